"""What the problems of a file say: YAML as text, price tables in CSV and XLSX. Part of `engine.language.catalogue`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.entry import Entry

# Problems of a rule file as text: engine.language.load
FILES: Mapping[str, Entry] = {
    "file-not-found": Entry(
        "the file `{file}` cannot be read: {reason}.",
        "Check the path and its spelling.",
        "无法读取文件 `{file}`：{reason}。",
        "请检查路径和拼写。",
    ),
    "file-too-large": Entry(
        "the file has {size} bytes; a rule file may have {limit}.",
        "Move long tables to a CSV or XLSX file beside it, or divide the file.",
        "文件有 {size} 字节，规则文件最多 {limit} 字节。",
        "请把长表移到旁边的 CSV 或 XLSX 文件，或拆分文件。",
    ),
    "file-empty": Entry(
        "the file holds nothing but comments.",
        "Begin with the kind and the id, for example `notice: cn.hubei.agency.2026-01`.",
        "文件里除了注释没有内容。",
        "第一行写种类和标识，例如 `notice: cn.hubei.agency.2026-01`。",
    ),
    "gbk-encoding": Entry(
        "the file is saved as GBK, not UTF-8.",
        "Save it again with the encoding UTF-8 (in Excel: `CSV UTF-8`; in Notepad: Save As, encoding UTF-8).",
        "文件编码是 GBK，不是 UTF-8。",
        "请另存为 UTF-8（Excel：“CSV UTF-8”；记事本：另存为，编码选 UTF-8）。",
    ),
    "not-utf8": Entry(
        "the file is not UTF-8 text ({seems}).",
        "Save it again as text with the encoding UTF-8.",
        "文件不是 UTF-8 文本（{seems}）。",
        "请另存为 UTF-8 编码的文本。",
    ),
    "byte-order-mark": Entry(
        "the file begins with an invisible byte order mark.",
        "Save it again as UTF-8 without BOM.",
        "文件开头有看不见的 BOM 标记。",
        "请另存为不带 BOM 的 UTF-8。",
    ),
    "invisible-character": Entry(
        "an invisible character ({character}) stands here.",
        "Delete it, or write an ordinary space; it often comes along when text is copied from a PDF or a web page.",
        "这里有一个看不见的字符（{character}）。",
        "请删除它，或改为普通空格；从 PDF 或网页复制文字时常会带入。",
    ),
    "tab-character": Entry(
        "a tab stands where YAML wants spaces.",
        "Write spaces; set the editor to insert spaces for the Tab key.",
        "这里有制表符，YAML 要求用空格。",
        "请改用空格，并把编辑器设为按 Tab 键时插入空格。",
    ),
    "full-width-punctuation": Entry(
        "the full-width `{character}` is read as a letter here.",
        "Write the half-width `{replacement}`.",
        "全角的“{character}”在这里会被当作文字。",
        "请写半角的 `{replacement}`。",
    ),
    "several-documents": Entry(
        "a second document begins here; a file holds one.",
        "Move what follows `---` to a file of its own.",
        "这里开始了第二个文档，一个文件只能有一个。",
        "请把 `---` 以后的内容移到另一个文件。",
        "The first document",
        "第一个文档",
    ),
    "not-a-mapping": Entry(
        "the file is not a list of keys with values.",
        "Begin with the kind and the id, for example `notice: cn.hubei.agency.2026-01`.",
        "文件内容不是“键: 值”的形式。",
        "第一行写种类和标识，例如 `notice: cn.hubei.agency.2026-01`。",
    ),
    "too-deep": Entry(
        "more than {limit} levels stand inside one another here.",
        "Close the brackets before this place, or divide the file.",
        "这里嵌套超过 {limit} 层。",
        "请检查前面的括号是否闭合，或拆分文件。",
    ),
    "anchor-used": Entry(
        "`&{name}` is a YAML anchor; rule files do not have them.",
        'Write the value out where it is needed, or put quotes around the text: "&{name}".',
        "`&{name}` 是 YAML 锚点，规则文件不使用。",
        '请在需要的地方写出完整的值；如果是文字，请加引号："&{name}"。',
    ),
    "alias-used": Entry(
        "`*{name}` is a YAML alias; rule files do not have them.",
        'Write the value out; in a formula, put quotes around the whole of it: "… *{name}".',
        "`*{name}` 是 YAML 引用，规则文件不使用。",
        '请写出完整的值；如果是公式，请给整个公式加引号："… *{name}"。',
    ),
    "merge-key": Entry(
        "`<<` merges mappings in YAML; rule files do not have it.",
        "Write the keys out, or let the rule set follow a form.",
        "`<<` 是 YAML 的合并键，规则文件不使用。",
        "请写出各个键，或让规则集遵循（follows）一个通用规则。",
    ),
    "tag-used": Entry(
        "`{tag}` is a YAML tag; rule files do not have them.",
        "Delete it; or, if the text begins with `!`, put quotes around it.",
        "`{tag}` 是 YAML 标签，规则文件不使用。",
        "请删除它；如果文字本来以 `!` 开头，请加引号。",
    ),
    "duplicate-key": Entry(
        "`{key}` is written twice here.",
        "Keep one of the two, or give this one another name.",
        "`{key}` 在这里写了两次。",
        "请保留一个，或给这一个另起名字。",
        "First written here",
        "第一次写在这里",
    ),
    "key-without-value": Entry(
        "`{key}` has no value.",
        "Write the value after the colon, or delete the line.",
        "`{key}` 没有值。",
        "请在冒号后写上值，或删除这一行。",
    ),
    "value-without-key": Entry(
        "a value stands here without a key.",
        "Write `key: value`.",
        "这里有值而没有键。",
        "请写成 `键: 值`。",
    ),
    "item-without-value": Entry(
        "nothing stands where a value belongs.",
        "Write the value, or delete the extra dash or comma; in a table's row an absent cell is written `-`.",
        "应当有值的地方是空的。",
        "请写上值，或删除多余的短横或逗号；表格行中缺的单元格写 `-`。",
    ),
    "key-not-text": Entry(
        "a key here is itself a list or a mapping.",
        "Write a plain name before the colon; text that begins with a bracket needs quotes.",
        "这里的键是列表或映射。",
        "冒号前请写普通的名字；以括号开头的文字需要加引号。",
    ),
    "decimal-comma": Entry(
        "`{text}` has a comma where a decimal point belongs.",
        "Write `{suggestion}`.",
        "`{text}` 用了逗号，应当用小数点。",
        "请写 `{suggestion}`。",
    ),
    "thousands-comma": Entry(
        "`{text}` has commas between its digits.",
        "Write `{suggestion}`: digits without separators.",
        "`{text}` 的数字之间有逗号。",
        "请写 `{suggestion}`，数字之间不加分隔符。",
    ),
    "comma-in-braces": Entry(
        "the comma before `{key}` ends the value, and `{key}` becomes a key without a value.",
        'Put quotes around the text that holds the comma: "{suggestion}".',
        "`{key}` 前的逗号结束了前一个值，`{key}` 成了没有值的键。",
        '含逗号的文字请加引号："{suggestion}"。',
    ),
    "word-in-braces": Entry(
        "`{key}` stands in braces without a value.",
        "Put quotes around a text that has braces in it; else write `{key}: value`.",
        "`{key}` 在花括号里，没有值。",
        "含花括号的文字请加引号；否则请写 `{key}: 值`。",
    ),
    "space-after-colon": Entry(
        "`{text}` has no space after its colon, so it is not read as a key and a value.",
        "Write `{suggestion}`.",
        "`{text}` 的冒号后没有空格，不会被读作键和值。",
        "请写 `{suggestion}`。",
    ),
    "formula-in-braces": Entry(
        "`{text}` cannot stand inside {{ }} as it is: YAML reads its brackets or commas as its own.",
        'Put quotes around it: {key}: "{text}"; or write `{key}` on a line of its own.',
        "`{text}` 不能直接写在 {{ }} 里：其中的括号或逗号会被 YAML 当作自己的符号。",
        '请加引号：{key}: "{text}"；或把 `{key}` 单独写成一行。',
    ),
    "formula-in-list": Entry(
        "`{text}` cannot stand inside [ ] as it is: YAML reads its brackets as its own.",
        'Put quotes around it: "{text}".',
        "`{text}` 不能直接写在 [ ] 里：其中的括号会被 YAML 当作自己的符号。",
        '请加引号："{text}"。',
    ),
    "lone-dash": Entry(
        "a dash followed by a space begins a list in YAML; it cannot stand inside brackets.",
        "For an absent cell write the dash right before the comma or bracket: `-,`.",
        "YAML 中短横后跟空格表示列表，不能写在括号里。",
        "缺的单元格请让短横紧挨逗号或括号：`-,`。",
    ),
    "colon-in-text": Entry(
        "a second colon stands in one value.",
        "Put quotes around a text that holds a colon; put a comma (in braces) or a new line before another key.",
        "一个值里出现了第二个冒号。",
        "文字里有冒号请加引号；如果是另一个键，花括号内在它前面加逗号，否则另起一行。",
    ),
    "missing-colon": Entry(
        "a key and its colon are expected here.",
        "Write `key: value`, with a half-width colon and a space after it.",
        "这里应当是键和冒号。",
        "请写 `键: 值`，用半角冒号，后面留一个空格。",
    ),
    "text-needs-quotes": Entry(
        "a text cannot begin with `{character}` in YAML.",
        "Put quotes around the text.",
        "YAML 中文字不能以 `{character}` 开头。",
        "请给文字加引号。",
    ),
    "text-after-quotes": Entry(
        "something stands after the closing quote.",
        "Put the quotes around the whole text; within it, write quotes of the other kind.",
        "后引号之后还有内容。",
        "请让引号包住全部文字；文字里面的引号用另一种。",
    ),
    "text-after-bracket": Entry(
        "something stands after the closing bracket.",
        "Put quotes around the whole text if it begins with a bracket; else delete what follows.",
        "后括号之后还有内容。",
        "如果文字以括号开头，请给全部文字加引号；否则请删除后面的内容。",
    ),
    "dash-after-key": Entry(
        "a list cannot begin on the line of its key.",
        "Write the dash on the next line; text that begins with a dash needs quotes.",
        "列表不能从键所在的行开始。",
        "请把短横写到下一行；以短横开头的文字需要加引号。",
    ),
    "unclosed-quote": Entry(
        "a quote is opened here and not closed.",
        "Write the closing quote `{quote}` at the end of the text.",
        "这里的引号没有闭合。",
        "请在文字末尾写上 `{quote}`。",
    ),
    "unclosed-bracket": Entry(
        "`{bracket}` is opened here and not closed.",
        "Write `{closing}` at its end, and a comma between its items.",
        "这里的 `{bracket}` 没有闭合。",
        "请在末尾写上 `{closing}`，各项之间用逗号。",
    ),
    "stray-bracket": Entry(
        "`{bracket}` closes something that was not opened.",
        "Delete it, or write the opening bracket; text that holds brackets needs quotes.",
        "`{bracket}` 没有对应的前括号。",
        "请删除它或补上前括号；含括号的文字需要加引号。",
    ),
    "bad-indentation": Entry(
        "this line is indented unlike the lines that it belongs to.",
        "Begin it under the first letter of the keys (or dashes) beside it.",
        "这一行的缩进与同级的行不一致。",
        "请与同级的键（或短横）左对齐。",
    ),
    "backslash-in-quotes": Entry(
        "a backslash inside double quotes begins an escape that YAML does not know.",
        "Put single quotes around the text instead.",
        "双引号内的反斜杠构成了 YAML 不认识的转义。",
        "请改用单引号。",
    ),
    "yaml-syntax": Entry(
        "YAML cannot read this place: {said}.",
        "Compare it with the lines above: `key: value`, two spaces a level, quotes around text with signs in it.",
        "YAML 无法读懂这里：{said}。",
        "请对照上面的行：`键: 值`，每层缩进两个空格，含符号的文字加引号。",
    ),
}

# Problems of a price table in a file: engine.language.tables
TABLES: Mapping[str, Entry] = {
    "table-file-kind": Entry(
        "`{file}` is neither a CSV nor an XLSX file.",
        "Save the table as `.csv` (UTF-8) or `.xlsx` beside the rule file.",
        "`{file}` 不是 CSV 或 XLSX 文件。",
        "请把表存为规则文件旁边的 `.csv`（UTF-8）或 `.xlsx`。",
    ),
    "workbook-reader-missing": Entry(
        "XLSX files are read with openpyxl, which is not installed.",
        "Run `pip install 'dianjia[tables]'`, or save the table as CSV (UTF-8).",
        "读取 XLSX 需要 openpyxl，尚未安装。",
        "请运行 `pip install 'dianjia[tables]'`，或把表另存为 CSV（UTF-8）。",
    ),
    "workbook-unreadable": Entry(
        "the workbook cannot be opened: {reason}.",
        "Open it in Excel, save it again as `.xlsx` without a password, or as CSV (UTF-8).",
        "无法打开工作簿：{reason}。",
        "请用 Excel 打开，另存为不带密码的 `.xlsx` 或 CSV（UTF-8）。",
    ),
    "which-sheet": Entry(
        "the workbook has {count} sheets.",
        "Name one with `sheet:`. Sheets: {sheets}.",
        "工作簿有 {count} 个工作表。",
        "请用 `sheet:` 指明一个。工作表：{sheets}。",
    ),
    "unknown-sheet": Entry(
        "the workbook has no sheet `{sheet}`.",
        "Sheets: {sheets}.",
        "工作簿没有工作表 `{sheet}`。",
        "工作表：{sheets}。",
    ),
    "table-empty": Entry(
        "the table has no rows.",
        "Write the header `{header}` in the first line and a row in each line below.",
        "表里没有行。",
        "第一行写表头 `{header}`，以下每行一条。",
    ),
    "table-header-missing": Entry(
        "the header lacks the column `{column}`.",
        "The first line has to be: {header}.",
        "表头缺少列 `{column}`。",
        "第一行应当是：{header}。",
    ),
    "table-header-unknown": Entry(
        "the header has a column `{column}` that the table does not declare.",
        "{suggestion}The first line has to be: {header}.",
        "表头有未声明的列 `{column}`。",
        "{suggestion_zh}第一行应当是：{header}。",
    ),
    "table-header-order": Entry(
        "column {position} of the header is `{column}`, and `{expected}` is declared there.",
        "Put the columns in the declared order, with their numbers: {header}.",
        "表头第 {position} 列是 `{column}`，声明的是 `{expected}`。",
        "请把各列（连同数字）按声明的顺序排列：{header}。",
    ),
    "table-header-twice": Entry(
        "the header has the column `{column}` twice.",
        "The first line has to be: {header}.",
        "表头有两个列 `{column}`。",
        "第一行应当是：{header}。",
        "First written here",
        "第一次写在这里",
    ),
    "table-cell-count": Entry(
        "the row has {found} cells; the table has {expected} columns.",
        "Write a cell for each of: {header}. An absent cell is written `-`.",
        "这一行有 {found} 个单元格，表有 {expected} 列。",
        "每列写一个单元格：{header}。缺的写 `-`。",
    ),
    "table-cell-empty": Entry(
        "the cell of column `{column}` is empty.",
        "Write the value; where the notice prints none, write `-`.",
        "列 `{column}` 的单元格是空的。",
        "请写上值；电价文件没有印的写 `-`。",
    ),
    "table-cell-date": Entry(
        "the cell of column `{column}` holds the date `{text}`: a spreadsheet has changed what was typed.",
        "Use a code such as `from_1_to_10kv`, or format the column as text before typing.",
        "列 `{column}` 的单元格是日期 `{text}`：电子表格改变了输入的内容。",
        "请用代码，例如 `from_1_to_10kv`，或先把列设为文本格式再输入。",
    ),
    "table-cell-formula": Entry(
        "the cell of column `{column}` holds the spreadsheet formula `{text}`.",
        "Write the number as the notice prints it.",
        "列 `{column}` 的单元格是电子表格公式 `{text}`。",
        "请写电价文件所印的数字。",
    ),
    "table-cell-error": Entry(
        "the cell of column `{column}` holds the spreadsheet's error `{text}`.",
        "Write the number as the notice prints it.",
        "列 `{column}` 的单元格是电子表格错误 `{text}`。",
        "请写电价文件所印的数字。",
    ),
    "table-cell-hidden-digits": Entry(
        "the cell of column `{column}` shows `{shown}` and holds `{text}`.",
        "Type the number as the notice prints it, and let the cell show all its decimals.",
        "列 `{column}` 的单元格显示 `{shown}`，实际是 `{text}`。",
        "请按电价文件所印的数字输入，并显示全部小数。",
    ),
    "table-places-lost": Entry(
        "`{text}` in column `{column}` has {found} decimals; the notice prints {places}.",
        "Write `{suggestion}` if only zeros were dropped (in a spreadsheet, format the column as text), "
        "else correct the number.",
        "列 `{column}` 的 `{text}` 有 {found} 位小数，电价文件印 {places} 位。",
        "如果只是丢了末尾的零，请写 `{suggestion}`（电子表格中请把列设为文本格式），否则请改正数字。",
    ),
    "table-places-many": Entry(
        "`{text}` in column `{column}` has {found} decimals; the notice prints {places}.",
        "Correct the number, or the `places` of the column.",
        "列 `{column}` 的 `{text}` 有 {found} 位小数，电价文件印 {places} 位。",
        "请改正数字，或改正列的 `places`。",
    ),
    "table-row-twice": Entry(
        "the row `{keys}` stands in the table twice.",
        "Keep one of the two, or correct its keys.",
        "表里有两行 `{keys}`。",
        "请保留一行，或改正它的键。",
        "The first one",
        "第一行在这里",
    ),
}

"""Why a call of the service, or a step of the registry, is refused. Part of `engine.language.catalogue`.

`engine.service.statuses` has the gRPC status of each, whose fault it is and whether to repeat the call; docs/errors.md
is written from both.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.catalogue_recalculations import RECALCULATIONS
from engine.language.catalogue_warnings import WARNINGS
from engine.language.catalogue_webhooks import WEBHOOKS
from engine.language.entry import Entry

# Placeholders: `field` is the message's field, by its path: chunk.columns[2].numbers.
CALLS: Mapping[str, Entry] = {
    "field-missing": Entry(
        "`{field}` is not given.",
        "Give it; the message's description says what belongs there.",
        "没有给出 `{field}`。",
        "请给出；该消息的说明写明应填什么。",
    ),
    "field-too-long": Entry(
        "`{field}` has {found} characters; at most {at_most} fit.",
        "Shorten it.",
        "`{field}` 有 {found} 个字符，最多 {at_most} 个。",
        "请缩短。",
    ),
    "field-characters": Entry(
        "`{field}` holds the character {found}, which cannot be kept.",
        "Leave it out.",
        "`{field}` 含有无法保存的字符 {found}。",
        "请去掉该字符。",
    ),
    "column-length": Entry(
        "`{field}` has {found} values; {expected} belong there.",
        "Give one value for each row, or for each item of a list; `given` says which of them count.",
        "`{field}` 有 {found} 个值，应为 {expected} 个。",
        "请为每一行（或列表的每一项）各给一个值；由 `given` 说明哪些有效。",
    ),
    "column-places": Entry(
        "`{field}` has {found} decimal places; 0 to 18 can be read.",
        "Give the places that `GetRuleSet` names for the input.",
        "`{field}` 的小数位数为 {found}，只能是 0 到 18。",
        "请使用 `GetRuleSet` 为该输入给出的小数位数。",
    ),
    "column-twice": Entry(
        "`{field}` is there twice: `{name}`.",
        "Send each column once.",
        "`{field}` 出现了两次：`{name}`。",
        "每一列只发送一次。",
    ),
    "column-empty": Entry(
        "`{field}` holds no kind of values.",
        "Set one of numbers, days, booleans, codes, texts.",
        "`{field}` 没有任何种类的值。",
        "请设置 numbers、days、booleans、codes、texts 之一。",
    ),
    "bits-length": Entry(
        "`{field}` has {found} bytes; {expected} belong there.",
        "Give one bit for each row, or for each item of a list, and fill the last byte with 0.",
        "`{field}` 有 {found} 个字节，应为 {expected} 个。",
        "请为每一行（或列表的每一项）各给一位，最后一个字节以 0 补足。",
    ),
    "column-bits": Entry(
        "`{field}` sets bits past the last of {expected} values.",
        "Leave the bits that belong to no value at 0.",
        "`{field}` 在最后一个值（共 {expected} 个）之后还有置位。",
        "不属于任何值的位请保持为 0。",
    ),
    "code-position": Entry(
        "`{field}` has the position {found}; there are {expected} names.",
        "Give positions in `names`, counted from 0.",
        "`{field}` 中的位置 {found} 超出范围：共有 {expected} 个名称。",
        "请给出 `names` 中从 0 起的位置。",
    ),
    "row-id-places": Entry(
        "`{field}` has {found} decimal places; row ids are whole numbers.",
        "Leave `places` at 0, or send the ids as texts.",
        "`{field}` 的小数位数为 {found}，而行号是整数。",
        "请把 `places` 保持为 0，或以文本发送行号。",
    ),
    "row-ids-mixed": Entry(
        "`{field}` came after chunks whose row ids are {before}.",
        "Send the row ids of a stream either as whole numbers or as texts.",
        "此前各块的行号是{before_zh}，却收到 `{field}`。",
        "同一个流的行号请一律用整数，或一律用文本。",
    ),
    "too-many-entries": Entry(
        "`{field}` has {found} entries; at most {at_most} are read.",
        "Leave out what no rule set reads, or send fewer rows at once.",
        "`{field}` 有 {found} 个，最多读取 {at_most} 个。",
        "请去掉没有规则集读取的内容，或一次少发一些行。",
    ),
    "unknown-choice": Entry(
        "`{field}` is {found}, which stands for nothing here.",
        "Values: {known}.",
        "`{field}` 的值 {found} 没有含义。",
        "可用的值：{known}。",
    ),
    "too-many-rows": Entry(
        "the chunk has {found} rows; at most {at_most} are billed at once.",
        "Send chunks of 16,384 rows, which is also the fastest.",
        "该块有 {found} 行，一次最多计费 {at_most} 行。",
        "请按每块 16,384 行发送，这也是最快的。",
    ),
    "stream-too-long": Entry(
        "the stream has more than {at_most} rows.",
        "Send the rest in another stream.",
        "该流超过 {at_most} 行。",
        "请用另一个流发送其余的行。",
    ),
    "sequence-broken": Entry(
        "chunk {found} came where {expected} was due.",
        "Number the chunks one after another; after a break resume with the first chunk that has no answer.",
        "应为第 {expected} 块，却收到第 {found} 块。",
        "请连续编号；中断后从第一个没有回答的块继续。",
    ),
    "stream-option-late": Entry(
        "`{field}` is set in chunk {found}; it belongs to the first message of a stream.",
        "Set it in the first message alone.",
        "第 {found} 块设置了 `{field}`；它只属于流的第一条消息。",
        "请只在第一条消息中设置。",
    ),
    "allow-withdrawn-alone": Entry(
        "`allow_withdrawn` is set and no version is named.",
        "Name the withdrawn version that is meant.",
        "设置了 `allow_withdrawn`，却没有指明版本。",
        "请指明所要的已撤回版本。",
    ),
    "version-not-here": Entry(
        "the version `{version}` is not to be had here.",
        "Name another version, or none. A stream that was billed with it cannot go on with another: begin a new one.",
        "这里没有版本 `{version}`。",
        "请指明其他版本，或不指明。用该版本计费的流不能改用其他版本继续：请重新开始。",
    ),
    "version-withdrawn": Entry(
        "the version `{version}` was withdrawn.",
        "Name the version that answers in its place, `{returns_to}`; to bill with the withdrawn one all the same, set"
        " `allow_withdrawn`.",
        "版本 `{version}` 已被撤回。",
        "请指明替代它的版本 `{returns_to}`；仍要用已撤回的版本计费，请设置 `allow_withdrawn`。",
    ),
    "no-version-active": Entry(
        "no version of the rate book is active.",
        "Activate one: `dianjia activate`; or name a version.",
        "没有生效的电价册版本。",
        "请激活一个版本：`dianjia activate`；或在调用中指明版本。",
    ),
    "unknown-resource": Entry(
        "`{field}` is `{value}`; there is no such resource.",
        "Its form is {form}; the list call gives the names there are.",
        "`{field}` 为 `{value}`，没有这一资源。",
        "其格式为 {form}；列表调用给出现有的名称。",
    ),
    "bad-page": Entry(
        "`{field}` is `{value}`, which no page has.",
        "Give a page_size of 0 to 1,000, and the page_token of the answer before, with the same filters.",
        "`{field}` 为 `{value}`，没有这样的页。",
        "page_size 为 0 到 1000；page_token 取自上一个回答，过滤条件须相同。",
    ),
    "bad-day": Entry(
        "`{field}` is `{value}`, which is no day.",
        "Write it as 2026-01-31.",
        "`{field}` 的值 `{value}` 不是日期。",
        "请写成 2026-01-31。",
    ),
    "token-missing": Entry(
        "the call carries no token.",
        "Send the metadata `authorization: Bearer TOKEN`; the commands take it from DIANJIA_TOKEN or --token-file.",
        "该调用没有令牌。",
        "请发送元数据 `authorization: Bearer TOKEN`；命令行从 DIANJIA_TOKEN 或 --token-file 读取令牌。",
    ),
    "token-unknown": Entry(
        "the token is not known here, or has expired.",
        "Ask whoever runs the server for a token.",
        "该令牌未知或已过期。",
        "请向服务的运维人员索取令牌。",
    ),
    "scope-missing": Entry(
        "{who} may not do this: the scope `{scope}` is missing.",
        "Ask whoever runs the server for a token with that scope.",
        "{who} 无权这样做：缺少权限 `{scope}`。",
        "请向服务的运维人员索取具有该权限的令牌。",
    ),
    "too-many-calls": Entry(
        "the server has {at_most} {what} under way, as many as it takes.",
        "Repeat the call a little later.",
        "服务器正在处理 {at_most} 个{what}，已达上限。",
        "请稍后重试。",
    ),
    "shutting-down": Entry(
        "the server is shutting down.",
        "Repeat the call; another process, or the next one here, answers it.",
        "服务器正在停止。",
        "请重试；其他进程或此处的下一个进程会回答。",
    ),
    "call-over": Entry(
        "the call was over before its work was done.",
        "Allow more time, or send less at once.",
        "工作尚未完成，调用已结束。",
        "请给更长的时限，或一次少发一些。",
    ),
    "registry-unavailable": Entry(
        "the registry of versions does not answer.",
        "Repeat the call; bills with the versions at hand go on.",
        "版本登记库没有响应。",
        "请重试；用已载入版本的计费不受影响。",
    ),
    "no-registry": Entry(
        "this server has no registry of versions.",
        "Start it with `--database URL`.",
        "该服务器没有版本登记库。",
        "请用 `--database URL` 启动。",
    ),
    "our-fault": Entry(
        "the server failed; its log says how, under {request}.",
        "Tell whoever runs the server that number. Whether a repeated call helps is not known.",
        "服务器内部出错；日志编号为 {request}。",
        "请把该编号告知运维人员。重试是否有用尚不清楚。",
    ),
    "message-unreadable": Entry(
        "the message cannot be read as `{name}`.",
        "Send it in protobuf's binary format, as the .proto files of this release describe it; texts are UTF-8.",
        "无法将该消息读作 `{name}`。",
        "请按本版 .proto 文件的描述以 protobuf 二进制格式发送；文本为 UTF-8。",
    ),
    "message-too-large": Entry(
        "the message has {found} bytes; at most {at_most} are taken.",
        "Send less at once: chunks of 16,384 rows, the files of a rate book in several messages.",
        "该消息有 {found} 字节，最多接受 {at_most} 字节。",
        "请一次少发一些：每块 16,384 行；电价册的文件分几条消息发送。",
    ),
    "answer-too-large": Entry(
        "the answer has {found} bytes; at most {at_most} are sent.",
        "Ask for less at once: smaller chunks, less detail, shorter pages, `without_files`.",
        "回答有 {found} 字节，最多发送 {at_most} 字节。",
        "请一次少要一些：较小的块、较少的细节、较短的页，或设置 `without_files`。",
    ),
}

# Steps of the registry.
VERSIONS: Mapping[str, Entry] = {
    "unknown-version": Entry(
        "there is no version `{version}`.",
        "Versions are named by 64 hexadecimal digits, or the first 8 or more of them; `dianjia versions` lists them.",
        "没有版本 `{version}`。",
        "版本以 64 位十六进制数命名，可只写前 8 位以上；`dianjia versions` 列出各版本。",
    ),
    "version-ambiguous": Entry(
        "`{version}` is the beginning of several versions.",
        "Write more of its digits.",
        "`{version}` 是多个版本的开头。",
        "请多写几位。",
    ),
    "version-exists": Entry(
        "this rate book is published already, as `{version}` by {who}.",
        "Approve or activate that version.",
        "该电价册已由 {who} 发布，版本为 `{version}`。",
        "请批准或激活该版本。",
    ),
    "rate-book-fails": Entry(
        "the rate book cannot be published: {found} of its problems and failing tests are listed.",
        "Put them right and publish again; `dianjia check` and `dianjia test` show them with their lines.",
        "该电价册不能发布：列出了 {found} 个问题和未通过的测试。",
        "请改正后再发布；`dianjia check` 和 `dianjia test` 会连同所在的行一起列出。",
    ),
    "test-fails": Entry(
        "the test `{name}` of `{ruleset}` does not hold: {found}",
        "Put the rule right, or the test, if another source vouches for it.",
        "`{ruleset}` 的测试 `{name}` 未通过：{found_zh}",
        "请改正规则；若另有来源为证，则改正测试。",
    ),
    "rate-book-empty": Entry(
        "the rate book has no rule set.",
        "Publish a folder with at least one file that begins with `ruleset:`.",
        "该电价册没有规则集。",
        "请发布至少含一个以 `ruleset:` 开头的文件的文件夹。",
    ),
    "rate-book-too-large": Entry(
        "the rate book has {found} bytes in all; at most {at_most} are published.",
        "Leave out files that no rule reads.",
        "该电价册共 {found} 字节，最多可发布 {at_most} 字节。",
        "请去掉规则不读取的文件。",
    ),
    "compile-too-long": Entry(
        "the rate book was not compiled and tested within {seconds} seconds.",
        "Publish a smaller one, or have whoever runs the server allow more.",
        "该电价册未能在 {seconds} 秒内编译并测试完毕。",
        "请发布较小的电价册，或请运维人员放宽时限。",
    ),
    "compile-too-large": Entry(
        "the rate book takes more than {mebibytes} MiB of memory to compile and test.",
        "Publish a smaller one. Where a workbook has one cell far away from the others, delete the rows between.",
        "该电价册编译和测试所需内存超过 {mebibytes} MiB。",
        "请发布较小的电价册。若某个工作簿有一个单元格远离其他单元格，请删除其间的行。",
    ),
    "bad-path": Entry(
        "`{path}` is no path inside a rate book.",
        "Write it with `/`, without `..`, not from the root: cn/jiangsu/residential.ruleset.yaml.",
        "`{path}` 不是电价册内的路径。",
        "请用 `/` 书写，不含 `..`，不从根目录起：cn/jiangsu/residential.ruleset.yaml。",
    ),
    "file-twice": Entry(
        "`{path}` is sent twice.",
        "Send each file once.",
        "`{path}` 发送了两次。",
        "每个文件只发送一次。",
    ),
    "author-approves": Entry(
        "{who} published the version `{version}` and cannot {step} it.",
        "Somebody else has to look at it.",
        "版本 `{version}` 由 {who} 发布，{who} 不能{step_zh}它。",
        "须由另一人审核。",
    ),
    "already-approved": Entry(
        "the version `{version}` was approved by {who}.",
        "Activate it.",
        "版本 `{version}` 已由 {who} 批准。",
        "请激活它。",
    ),
    "not-approved": Entry(
        "the version `{version}` is not approved.",
        "Have it approved by somebody other than {who}, who published it.",
        "版本 `{version}` 尚未批准。",
        "请由发布者 {who} 以外的人批准。",
    ),
    "is-withdrawn": Entry(
        "the version `{version}` was withdrawn.",
        "Publish a corrected rate book; a version that was withdrawn does not come back.",
        "版本 `{version}` 已被撤回。",
        "请发布更正后的电价册；已撤回的版本不能恢复。",
    ),
    "bad-instant": Entry(
        "`{value}` is no instant.",
        "Write it with its offset, as RFC 3339 has it: 2026-12-01T00:00:00+08:00.",
        "`{value}` 不是时刻。",
        "请按 RFC 3339 写明时差：2026-12-01T00:00:00+08:00。",
    ),
    "instant-past": Entry(
        "{value} is past.",
        "Name a later instant, or none for now. Which prices bill a past period is settled inside the version.",
        "{value} 已经过去。",
        "请给出以后的时刻，或不给出（即现在）。过去周期用什么价格，由版本内部决定。",
    ),
    "coverage-lost": Entry(
        "the version `{version}` no longer bills `{ruleset}` on {days}, which `{before}` does.",
        "Publish a rate book that still has what was in force then: old notices stay beside the new ones.",
        "版本 `{version}` 不再能对 `{ruleset}` 在 {days} 计费，而 `{before}` 可以。",
        "请发布仍含当时有效内容的电价册：旧文件与新文件并存。",
    ),
    "returns-to-itself": Entry(
        "the version `{version}` cannot answer in its own place.",
        "Name another approved version.",
        "版本 `{version}` 不能替代它自己。",
        "请指明另一个已批准的版本。",
    ),
    "reason-missing": Entry(
        "no reason is given.",
        "Say why; it stays in the audit trail.",
        "没有说明理由。",
        "请说明理由；它会留在审计记录中。",
    ),
    "request-id-missing": Entry(
        "no `request_id` is given.",
        "Make one up, a UUID for example, and send it again if the call has to be repeated.",
        "没有给出 `request_id`。",
        "请自定一个，例如 UUID；需要重复调用时再次发送它。",
    ),
    "request-id-reused": Entry(
        "the request `{request}` was made before, with other content.",
        "Use a new `request_id` for a new request.",
        "请求 `{request}` 曾以不同内容提出过。",
        "新的请求请用新的 `request_id`。",
    ),
    "who-missing": Entry(
        "nobody is named who does this.",
        "Say who: `--by NAME`, or call a server with a token of your own.",
        "没有说明由谁操作。",
        "请说明：`--by 姓名`，或用自己的令牌调用服务器。",
    ),
    "registry-newer": Entry(
        "the registry has the layout `{found}`, which this release does not know.",
        "Use the release that made it, or a later one.",
        "登记库的结构为 `{found}`，本版软件不认识。",
        "请使用建立它的软件版本或更新的版本。",
    ),
}

# Why the server does not start. No call gets these.
STARTING: Mapping[str, Entry] = {
    "packages-missing": Entry(
        "the server needs the package `{name}`, which is not installed.",
        "Install what it needs: `pip install 'dianjia[service]'`.",
        "服务器需要的软件包 `{name}` 没有安装。",
        "请安装：`pip install 'dianjia[service]'`。",
    ),
    "settings-file": Entry(
        "the settings in {file} cannot be read: {reason}",
        "Write TOML, one setting a line: `port = 50051`. docs/service.md has them all.",
        "无法读取设置文件 {file}：{reason}",
        "请写成 TOML，每行一项：`port = 50051`。全部设置见 docs/service.md。",
    ),
    "setting-unknown": Entry(
        "`{name}`, from {source}, is no setting.",
        "The nearest is `{near}`. docs/service.md has them all.",
        "`{name}`（来自 {source}）不是设置项。",
        "最接近的是 `{near}`。全部设置见 docs/service.md。",
    ),
    "setting-value": Entry(
        "the setting `{name}` is `{value}`, from {source}; it has to be {expected}.",
        "Write such a value, or leave the setting out.",
        "设置 `{name}` 的值为 `{value}`（来自 {source}），应为{expected_zh}。",
        "请写这样的值，或去掉该设置。",
    ),
    "setting-needs": Entry(
        "the setting `{name}` is there and `{partner}` is not.",
        "Set both, or neither.",
        "设置了 `{name}`，却没有设置 `{partner}`。",
        "请两者都设置，或都不设置。",
    ),
    "address-open": Entry(
        "other machines can reach {host}, and `{missing}` is not set.",
        "Set it; or listen on 127.0.0.1; or say `--insecure`, where the network itself keeps others out.",
        "其他机器可以访问 {host}，却没有设置 `{missing}`。",
        "请设置；或只监听 127.0.0.1；若网络本身已挡住他人，请写明 `--insecure`。",
    ),
    "address-taken": Entry(
        "another process listens on {address}.",
        "Stop that process, or choose another port: `{flag}`.",
        "{address} 已被其他进程占用。",
        "请停止该进程，或另选端口：`{flag}`。",
    ),
    "address-unusable": Entry(
        "this machine cannot listen on {address}: {reason}",
        "Name an address of this machine: 127.0.0.1, 0.0.0.0, ::1.",
        "本机无法监听 {address}：{reason}",
        "请写本机的地址：127.0.0.1、0.0.0.0、::1。",
    ),
    "tls-file": Entry(
        "{file} cannot be used for TLS: {reason}",
        "Give PEM files that the server may read; the key is the certificate's own and has no passphrase.",
        "{file} 不能用于 TLS：{reason}",
        "请给出服务器可读的 PEM 文件；私钥须与证书相配且没有口令。",
    ),
    "tls-expired": Entry(
        "the certificate in {file} is not in force today.",
        "Give one that is: no caller would accept it.",
        "{file} 中的证书今天不在有效期内。",
        "请换用有效的证书：没有调用方会接受它。",
    ),
    "tokens-file": Entry(
        "the tokens in {file} cannot be read: {reason}",
        "`dianjia token NAME --scope rate` prints the lines that belong there.",
        "无法读取 {file} 中的令牌：{reason}",
        "`dianjia token 名称 --scope rate` 会输出应写入的内容。",
    ),
    "log-file": Entry(
        "the log {file} cannot be written: {reason}",
        "Name a file in a folder that the server may write to, or leave it out for standard error.",
        "无法写入日志 {file}：{reason}",
        "请写服务器可写的文件夹中的文件；不写则输出到标准错误。",
    ),
    "registry-silent": Entry(
        "the registry {url} does not answer: {reason}.",
        "A server does not start without it: it would not know which version is active. See that the database answers,"
        " or name another: `--database`.",
        "登记库 {url} 没有响应：{reason}。",
        "没有登记库，服务器不启动：它无从知道哪个版本生效。请确认数据库可用，或另指一个：`--database`。",
    ),
    "process-fails": Entry(
        "a process of the server ended with {found} before it could answer.",
        "Start one alone, `--processes 1`, to see what it says.",
        "服务器的一个进程在能够应答之前以代码 {found} 结束。",
        "请用 `--processes 1` 单独启动，看它说什么。",
    ),
    **WEBHOOKS,
}

SERVICE: Mapping[str, Entry] = {**CALLS, **RECALCULATIONS, **WARNINGS, **VERSIONS, **STARTING}

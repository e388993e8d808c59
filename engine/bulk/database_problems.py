"""What is said of databases that rows are read from and written to: entries of `engine.bulk.problems.FILE_PROBLEMS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.language.catalogue import Entry

DATABASE_PROBLEMS: Final[Mapping[str, Entry]] = {
    "database-url": Entry(
        "this is no URL of a PostgreSQL database{reason}.",
        "Write postgresql://USER@HOST:PORT/DATABASE; in a password write %40 for @, %23 for #, %2F for /, %3A for :.",
        "这不是 PostgreSQL 数据库的 URL{reason_zh}。",
        "请写成 postgresql://用户@主机:端口/数据库；密码中的 @ 写 %40，# 写 %23，/ 写 %2F，: 写 %3A。",
    ),
    "database-driver-missing": Entry(
        "this needs the Python package `{came}`, which is not here.",
        "Install it: {instead}",
        "缺少所需的 Python 包 `{came}`。",
        "请安装：{instead_zh}",
    ),
    "database-unreachable": Entry(
        "the database does not answer: {reason}.",
        "Check that the server runs, and host, port, database, user and password; the work can then go on.",
        "数据库没有应答：{reason}。",
        "请检查服务器是否运行，以及主机、端口、数据库、用户和密码；之后可以继续。",
    ),
    "database-refused": Entry(
        "the database refused to write: {reason}.",
        "Nothing was written that is not whole. Mend what the database names; the work can then go on.",
        "数据库拒绝写入：{reason}。",
        "没有留下不完整的数据。请按数据库的提示修正；之后可以继续。",
    ),
    "database-table-differs": Entry(
        "the table {came} is there already, with other columns: {reason}.",
        "Name another schema, for example `?schema={instead}` at the end of the URL, or drop the table.",
        "表 {came} 已存在，但列不同：{reason_zh}。",
        "请换一个模式，例如在 URL 末尾写 `?schema={instead_zh}`，或删除该表。",
    ),
    "database-table-missing": Entry(
        "there is no table {came}.",
        "The run made it when it began; go on from a new run.",
        "没有表 {came}。",
        "该表在计算开始时建立；请另起一次计算。",
    ),
    "database-column-type": Entry(
        "the database has no type for the column `{column}`, which is {came}.",
        "Give it as text, a number, true or false, a day, a timestamp, or a list of these; or leave it out.",
        "数据库没有可存放列 `{column}`（{came}）的类型。",
        "请改为文本、数字、真假、日期、时间戳或它们的列表；或去掉这一列。",
    ),
    "database-value": Entry(
        "the column `{column}` holds {came}.",
        "{instead}",
        "列 `{column}` 中有 {came}。",
        "{instead_zh}",
    ),
    "database-partition-differs": Entry(
        "the rows of {came} are there already, and differ from those made now: {reason}.",
        "The engine, the rate book or the input has changed since; begin a new run.",
        "{came} 的行已存在，且与这次得到的不同：{reason_zh}。",
        "此后引擎、费率库或输入已改变；请另起一次计算。",
    ),
    "query-missing": Entry(
        "rows are read from a database by a query, and none is given.",
        "Say --query 'SELECT ...', or --query @FILE for one that stands in a file.",
        "从数据库读取需要查询语句，但没有给出。",
        "请写 --query 'SELECT ...'，或用 --query @文件 指定存有查询的文件。",
    ),
    "query-unreadable": Entry(
        "the query's file cannot be read: {reason}.",
        "Name a text file in UTF-8 that holds one SELECT.",
        "无法读取查询文件：{reason}。",
        "请指定一个 UTF-8 文本文件，其中有一条 SELECT。",
    ),
    "query-refused": Entry(
        "the database refused the query: {reason}{found}.",
        "Write one SELECT that changes nothing and gives row_id, ruleset, period_from, period_to and the inputs.",
        "数据库拒绝了查询：{reason}{found}。",
        "请写一条不修改数据的 SELECT，给出 row_id、ruleset、period_from、period_to 和各项输入。",
    ),
    "delta-refused": Entry(
        "the Delta table could not be written: {reason}.",
        "Check that the folder can be written to and that nothing else has changed the table's columns.",
        "无法写入 Delta 表：{reason}。",
        "请检查文件夹是否可写，以及表的列是否被其他程序改动。",
    ),
}

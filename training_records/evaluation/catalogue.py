"""The catalogue of measures, described for any reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A measure as described for any reader: name in schemes, title, unit, definition, source, edge cases."""

    name: str
    title: str
    unit: str
    definition: str
    source: str
    edges: str = "没有可算的就是“没有数据”"
    # Measures that it is computed from, stored and shown with it.
    parts: tuple[str, ...] = ()


CATALOGUE: tuple[Measure, ...] = (
    Measure(
        "visits_on_time_rate",
        "按时走访率",
        "比例",
        "应走访的次数里按时走到的占多少。每个对象按类别每月或每季应走 1 次，任职期间的完整月、季才算",
        "走访记录、走访对象",
        "对象在名单里不到半个周期的不算应走；请假满 30 天的，请假的日子按不在任算；一村两人的，谁走都算，指定了人的只算指定的人；没有对象就没有数据",
    ),
    Measure(
        "visit_log_rate",
        "走访记录完整率",
        "比例",
        "走访里，7 天内记下、各项都填了的占多少",
        "走访记录",
    ),
    Measure(
        "visits_checked_rate",
        "抽查属实率",
        "比例",
        "儿童督导员随机抽查的走访里属实的占多少；谁都能用同一个种子重抽",
        "走访抽查",
        "查过的不足 3 次就是“没有数据”",
    ),
    Measure(
        "visits_on_time_corrected_rate",
        "按时走访率（按抽查校正）",
        "比例",
        "按时走访率×抽查属实率",
        "走访记录、走访对象、走访抽查",
        "查过的不足 3 次，按全部属实算",
        ("visits_on_time_rate", "visits_checked_rate"),
    ),
    Measure(
        "missed_mandatory_reports",
        "应报告未报告",
        "次",
        "走访时看到必须立即报告的情况，24 小时内没有记下向公安机关报告的次数",
        "走访记录",
        "没有走访记录的算 0",
    ),
    Measure(
        "visits_logged", "走访次数", "次", "当年记下的走访和联系次数", "走访记录", "没有的算 0"
    ),
    Measure(
        "training_hours",
        "年度学时",
        "学时",
        "当年计入覆盖率的培训学时（层级按当年规则）",
        "培训档案",
        "没有的算 0",
    ),
    Measure(
        "exam_score",
        "考试成绩",
        "分",
        "当年通过的考试里最高的一次",
        "培训档案、考试安排",
        "在任期间组织过考试而没有通过、没有参加的算 0；没有组织过考试就没有数据",
    ),
    Measure(
        "induction_passed", "初任考核合格", "0 或 1", "到这一天为止初任考核是不是合格过", "培训档案"
    ),
    Measure("activities_held", "办活动次数", "次", "当年办过的活动", "活动记录", "没有的算 0"),
    Measure(
        "activity_themes", "活动主题数", "个", "当年办过的活动有几种主题", "活动记录", "没有的算 0"
    ),
    Measure(
        "tasks_done_rate",
        "任务完成率",
        "比例",
        "到期的任务（职责清单每月、每季、每年的事，上级布置的事）里做了的占多少",
        "任务记录",
    ),
    Measure("tasks_on_time_rate", "任务按时率", "比例", "到期的任务里按期做了的占多少", "任务记录"),
    Measure(
        "satisfaction_mean",
        "满意度",
        "1–5 分",
        "服务对象匿名打分的平均，向全区平均收拢：（份数×本人平均+10×全区平均）÷（份数+10）",
        "满意度调查",
        "不足 5 份就是“没有数据”",
    ),
)


def with_parts(names: Iterable[str]) -> list[str]:
    """Returns the measures and those they are computed from, each once."""
    parts = {m.name: m.parts for m in CATALOGUE}
    return list(dict.fromkeys(n for name in names for n in (name, *parts.get(name, ()))))

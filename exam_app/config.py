"""Configuration: defaults, then a `.env` file, then environment variables `ACADEMY_*`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from zoneinfo import ZoneInfo

from dotenv import dotenv_values

PREFIX = "ACADEMY_"
ROOT = Path(__file__).resolve().parents[1]


def checkout() -> Path | None:
    """The source checkout the code runs from; None when installed as a package."""
    return ROOT if (ROOT / "pyproject.toml").exists() else None


SECRETS = ("secret_key", "field_keys", "metrics_token", "oidc_client_secret")
ADDRESSES = ("redis_url", "replica_url", "smtp_url")


YES = ("1", "true", "yes")


class ConfigError(ValueError):
    """An invalid setting; the message names it and says what to do."""


# Group bots of WeCom and DingTalk: the only hosts that webhooks may call.
WEBHOOK_HOSTS = "qyapi.weixin.qq.com,oapi.dingtalk.com"


@dataclass(frozen=True)
class Config:
    """The effective settings; `sources` says where each came from."""

    database_url: str
    secret_key: str
    env: str
    public_url: str
    instance: Path
    redis_url: str
    replica_url: str
    timezone: str
    study_pace: float
    smtp_url: str
    smtp_from: str
    webhook_hosts: str
    field_keys: str
    keep_identity: bool
    second_step: str
    export_reason: str
    metrics_token: str
    trusted_proxies: int
    backup_recipients: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_claim: str
    oidc_name: str
    demo: bool
    sources: Mapping[str, str]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def evidence(self) -> Path:
        """The folder of evidence files."""
        return self.instance / "evidence"

    @property
    def secure(self) -> bool:
        """Whether the site is behind TLS: cookies are Secure and HSTS is sent."""
        return self.public_url.startswith("https://")


def load_config(environ: Mapping[str, str] | None = None, **overrides: object) -> Config:
    """The configuration from `overrides`, the environment, `.env` and defaults, in that order.

    Raises `ConfigError`, e.g. when production has no explicit secret key.
    """
    environ = os.environ if environ is None else environ
    dotenv = {k: v for k, v in dotenv_values(Path.cwd() / ".env").items() if v is not None}
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name in _names():
        variable = PREFIX + name.upper()
        if name in overrides and overrides[name] is not None:
            values[name], sources[name] = str(overrides[name]), "命令行"
        elif variable in environ:
            values[name], sources[name] = environ[variable], "环境变量"
        elif variable in dotenv:
            values[name], sources[name] = dotenv[variable], ".env"
        else:
            sources[name] = "默认值"
    instance = Path(values.get("instance", (checkout() or Path.cwd()) / "instance")).resolve()
    env = values.get("env", "development")
    if env == "production" and "secret_key" not in values:
        raise ConfigError("正式环境要明确设置 ACADEMY_SECRET_KEY（一串随机字符，至少 32 位）")
    issuer = values.get("oidc_issuer", "")
    if issuer and not issuer.startswith("https://") and env == "production":
        raise ConfigError("ACADEMY_OIDC_ISSUER 要以 https:// 开头")
    default = "required" if env == "production" else "optional"
    second_step, export_reason = (
        values.get(name, default) for name in ("second_step", "export_reason")
    )
    if not {second_step, export_reason} <= {"required", "optional"}:
        raise ConfigError(
            "ACADEMY_SECOND_STEP（两步登录）和 ACADEMY_EXPORT_REASON（导出要写原因）填 required 或 optional"
        )
    keep_identity = values.get("keep_identity", "").lower() in YES
    if keep_identity and not values.get("field_keys"):
        raise ConfigError(
            "要存证件号码（ACADEMY_KEEP_IDENTITY），先设 ACADEMY_FIELD_KEYS（一串随机字符，和 ACADEMY_SECRET_KEY 不同）"
        )
    try:
        pace = float(values.get("study_pace", "1"))
        proxies = int(values.get("trusted_proxies", "0"))
        ZoneInfo(values.get("timezone", "Asia/Shanghai"))
    except (ValueError, KeyError) as error:
        raise ConfigError(
            f"ACADEMY_STUDY_PACE、ACADEMY_TRUSTED_PROXIES 要填数字，ACADEMY_TIMEZONE 要填时区名：{error}"
        ) from error
    return Config(
        database_url=values.get("database_url", f"sqlite:///{instance / 'academy.db'}"),
        secret_key=values.get("secret_key") or _generated_key(instance),
        env=env,
        public_url=values.get("public_url", "http://127.0.0.1:8000").rstrip("/"),
        instance=instance,
        redis_url=values.get("redis_url", ""),
        replica_url=values.get("replica_url", ""),
        timezone=values.get("timezone", "Asia/Shanghai"),
        study_pace=pace,
        smtp_url=values.get("smtp_url", ""),
        smtp_from=values.get("smtp_from", ""),
        webhook_hosts=values.get("webhook_hosts", WEBHOOK_HOSTS),
        field_keys=values.get("field_keys", ""),
        keep_identity=keep_identity,
        second_step=second_step,
        export_reason=export_reason,
        metrics_token=values.get("metrics_token", ""),
        trusted_proxies=proxies,
        backup_recipients=values.get("backup_recipients", ""),
        oidc_issuer=issuer,
        oidc_client_id=values.get("oidc_client_id", ""),
        oidc_client_secret=values.get("oidc_client_secret", ""),
        oidc_claim=values.get("oidc_claim", "phone_number"),
        oidc_name=values.get("oidc_name", "统一身份认证"),
        demo=values.get("demo", "").lower() in YES,
        sources=sources,
    )


def _names() -> list[str]:
    return [f.name for f in fields(Config) if f.name != "sources"]


def _generated_key(instance: Path) -> str:
    path = instance / "secret_key"
    if not path.exists():
        try:
            instance.mkdir(parents=True, exist_ok=True)
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
                out.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigError(
                f"文件夹 {instance} 不能写入：{error.strerror}。请改权限，或设置 ACADEMY_INSTANCE"
            ) from error
    return path.read_text().strip()


def masked(config: Config) -> dict[str, dict[str, str]]:
    """Values with secrets masked, each with its source."""
    shown = {}
    for name in _names():
        value = str(getattr(config, name))
        if name == "database_url" and "@" in value:
            head, _, tail = value.rpartition("@")
            value = head.split("://")[0] + "://****@" + tail
        elif (name in SECRETS and value) or (name in ADDRESSES and "@" in value):
            value = "****"
        shown[PREFIX + name.upper()] = {"value": value, "source": config.sources[name]}
    return shown

"""Transports of reminders: WeCom and DingTalk group robots, e-mail."""

from __future__ import annotations

import base64
import hmac
import smtplib
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from exam_app.config import Config
from exam_app.core.lazy import LazyModule
from training_records.errors import Refused

if TYPE_CHECKING:
    import requests
else:
    requests = LazyModule("requests")

TIMEOUT, MAX_LINES, MAX_BYTES = 10, 20, 1900


def check_target(target: str, config: Config) -> None:
    """Raises `Refused` unless a robot's URL has a host that the operator allows, over TLS (127.0.0.1 excepted)."""
    parts = urlsplit(target.strip())
    allowed = config.webhook_hosts.split(",")
    if parts.netloc not in allowed:
        raise Refused(
            f"群机器人的地址只能是这些网站的：{'、'.join(allowed)}。要用别的，请管理员加到 ACADEMY_WEBHOOK_HOSTS"
        )
    if parts.scheme != "https" and not parts.netloc.startswith("127.0.0.1:"):
        raise Refused("群机器人的地址要以 https:// 开头")


def post(target: str, secret: str | None, text: str, *, config: Config) -> str | None:
    """Posts a text to a group robot. Returns None on success, otherwise the reason of the failure."""
    check_target(target, config)
    address = _signed(target, secret) if secret else target
    try:
        response = requests.post(
            address,
            json={"msgtype": "text", "text": {"content": text}},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        reply = response.json() if response.status_code == 200 else {}
    except (requests.RequestException, ValueError) as error:
        return f"连不上：{type(error).__name__}"
    if response.status_code != 200:
        return f"对方回答 {response.status_code}"
    if not isinstance(reply, dict) or reply.get("errcode") != 0:
        return f"对方不收：{str(reply)[:120]}"
    return None


def _signed(target: str, secret: str) -> str:
    """Returns the URL with DingTalk's signature: HMAC-SHA256 over timestamp (ms) and secret, keyed by the secret."""
    stamp = str(round(time.time() * 1000))
    digest = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")
    sign = quote(base64.b64encode(digest).decode(), safe="")
    return f"{target}{'&' if '?' in target else '?'}timestamp={stamp}&sign={sign}"


def digest(lines: Sequence[str], more: int, public_url: str) -> str:
    """Returns one message for a group: as many lines as fit, the number omitted (`more` included), and a link."""
    message = [f"培训提醒（{len(lines) + more} 条）"]
    for line in lines[:MAX_LINES]:
        if len("\n".join([*message, line]).encode()) > MAX_BYTES - 200:
            break
        message.append(line)
    omitted = len(lines) + more - (len(message) - 1)
    if omitted:
        message.append(f"还有 {omitted} 条，请到系统里看。")
    return "\n".join([*message, f"{public_url}/reminders"])


class Mail:
    """Connection to the mail server of `ACADEMY_SMTP_URL`: smtp://user:password@host:port or smtps://… With smtp,
    STARTTLS is used where the server offers it."""

    def __init__(self, config: Config) -> None:
        parts = urlsplit(config.smtp_url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Refused("没有设置邮件服务器。请管理员设置 ACADEMY_SMTP_URL")
        self._from = config.smtp_from or (unquote(parts.username) if parts.username else "")
        if not self._from:
            raise Refused("没有设置发件人。请管理员设置 ACADEMY_SMTP_FROM")
        tls = ssl.create_default_context()
        if parts.scheme == "smtps":
            self._server: smtplib.SMTP = smtplib.SMTP_SSL(
                parts.hostname, parts.port or 465, timeout=TIMEOUT, context=tls
            )
        else:
            self._server = smtplib.SMTP(parts.hostname, parts.port or 587, timeout=TIMEOUT)
            if self._server.has_extn("starttls"):
                self._server.starttls(context=tls)
        if parts.username:
            self._server.login(unquote(parts.username), unquote(parts.password or ""))

    def send(self, to: str, subject: str, text: str) -> None:
        """Sends one mail. Raises `smtplib.SMTPException` or `OSError`."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = subject, self._from, to
        mail.set_content(text)
        self._server.send_message(mail)

    def close(self) -> None:
        """Closes the connection. Never raises on network errors."""
        try:
            self._server.quit()
        except (smtplib.SMTPException, OSError):
            self._server.close()

"""Ways out of the app: robots of WeCom and DingTalk groups, mail, a list for the county's SMS platform."""

from __future__ import annotations

import base64
import hmac
import smtplib
import ssl
import time
from collections.abc import Sequence
from email.message import EmailMessage
from urllib.parse import quote, unquote, urlsplit

import requests

from exam_app.config import Config
from training_records.errors import Refused

TIMEOUT, MAX_LINES, MAX_BYTES = 10, 20, 1900


def check_target(target: str, config: Config) -> None:
    """`Refused` unless a robot's address is that of a service the operator allows, over TLS."""
    told = urlsplit(target.strip())
    allowed = config.webhook_hosts.split(",")
    if told.netloc not in allowed:
        raise Refused(
            f"群机器人的地址只能是这些网站的:{'、'.join(allowed)}。要用别的,请管理员加到 ACADEMY_WEBHOOK_HOSTS"
        )
    if told.scheme != "https" and not told.netloc.startswith("127.0.0.1:"):
        raise Refused("群机器人的地址要以 https:// 开头")


def post(target: str, secret: str | None, text: str, config: Config) -> str | None:
    """Sends a text to a group; None when it was taken, else why not."""
    check_target(target, config)
    address = _signed(target, secret) if secret else target
    try:
        answer = requests.post(
            address,
            json={"msgtype": "text", "text": {"content": text}},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        told = answer.json() if answer.status_code == 200 else {}
    except (requests.RequestException, ValueError) as error:
        return f"连不上:{type(error).__name__}"
    if answer.status_code != 200:
        return f"对方回答 {answer.status_code}"
    if not isinstance(told, dict) or told.get("errcode") != 0:
        return f"对方不收:{str(told)[:120]}"
    return None


def _signed(target: str, secret: str) -> str:
    """DingTalk's signature: HMAC-SHA256 of time and secret."""
    stamp = str(round(time.time() * 1000))
    digest = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), "sha256")
    sign = quote(base64.b64encode(digest).decode(), safe="")
    return f"{target}{'&' if '?' in target else '?'}timestamp={stamp}&sign={sign}"


def digest(lines: Sequence[str], more: int, public_url: str) -> str:
    """One message for a group: some lines, how many more there are, where to look."""
    found = [f"培训提醒({len(lines) + more} 条)"]
    for line in lines[:MAX_LINES]:
        if len("\n".join([*found, line]).encode()) > MAX_BYTES - 200:
            break
        found.append(line)
    left = len(lines) + more - (len(found) - 1)
    if left:
        found.append(f"还有 {left} 条,请到系统里看。")
    return "\n".join([*found, f"{public_url}/reminders"])


class Mail:
    """A mail server, as `ACADEMY_SMTP_URL` names it: smtp://user:password@host:port or smtps://…"""

    def __init__(self, config: Config) -> None:
        told = urlsplit(config.smtp_url)
        if told.scheme not in ("smtp", "smtps") or not told.hostname:
            raise Refused("没有设置邮件服务器。请管理员设置 ACADEMY_SMTP_URL")
        self._from = config.smtp_from or (unquote(told.username) if told.username else "")
        if not self._from:
            raise Refused("没有设置发件人。请管理员设置 ACADEMY_SMTP_FROM")
        tls = ssl.create_default_context()
        if told.scheme == "smtps":
            self._server: smtplib.SMTP = smtplib.SMTP_SSL(
                told.hostname, told.port or 465, timeout=TIMEOUT, context=tls
            )
        else:
            self._server = smtplib.SMTP(told.hostname, told.port or 587, timeout=TIMEOUT)
            if self._server.has_extn("starttls"):
                self._server.starttls(context=tls)
        if told.username:
            self._server.login(unquote(told.username), unquote(told.password or ""))

    def send(self, to: str, subject: str, text: str) -> None:
        """One mail. Raises `smtplib.SMTPException` or OSError."""
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = subject, self._from, to
        mail.set_content(text)
        self._server.send_message(mail)

    def close(self) -> None:
        """Ends the connection."""
        try:
            self._server.quit()
        except (smtplib.SMTPException, OSError):
            self._server.close()

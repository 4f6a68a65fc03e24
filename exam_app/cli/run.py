"""`academy demo` and `serve`."""

from __future__ import annotations

import socket
from dataclasses import asdict

import click

from exam_app.cli.tools import emit, json_option, open_session, say, stop
from exam_app.config import Config, load_config
from exam_app.demo.seed import seed_demo
from exam_app.kb.site import build_site
from exam_app.migrations.running import is_current, upgrade
from exam_app.serving import begin, hand_down
from training_records.database import make_engine


def run_server(config: Config, host: str, port: int, *, workers: int | None) -> None:
    """Runs the production server; exits with a message when the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            say(
                f"{host}:{port} 已被占用。请先停掉占用它的程序，或换一个端口：academy serve --port 8001"
            )
            stop(1)
    hand_down(config)
    begin("exam_app.serving:make", host, port, workers=workers)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="进程数（默认按处理器）")
def serve(host: str, port: int, workers: int | None) -> None:
    """正式运行的服务器。"""
    config = load_config()
    engine = make_engine(config.database_url)
    current = is_current(engine)
    engine.dispose()
    if not current:
        say("数据库的表还不是最新的。请先运行：academy db upgrade")
        stop(1)
    build_site(config.instance / "kb")
    run_server(config, host, port, workers=workers)


@click.command()
@click.option(
    "--people", default=7000, show_default=True, type=click.IntRange(20, 60000), help="儿童主任人数"
)
@click.option("--seed", default=1, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-serve", is_flag=True, help="只准备数据，不启动")
@json_option
def demo(*, people: int, seed: int, host: str, port: int, no_serve: bool, as_json: bool) -> None:
    """建好演示数据并启动（make run 用的就是它）。"""
    config = load_config(demo="1", study_pace="0", public_url=f"http://{host}:{port}")
    engine = make_engine(config.database_url)
    config.instance.mkdir(parents=True, exist_ok=True)
    upgrade(engine)
    engine.dispose()
    if build_site(config.instance / "kb"):
        say("知识库建好了")
    with open_session(config) as (session, _):
        seeded = seed_demo(session, config, people, seed=seed)
    if as_json:
        emit({"url": config.public_url, **asdict(seeded)})
    else:
        say(f"\n  儿童主任学堂已就绪：{config.public_url}\n")
        for account in seeded.accounts:
            say(
                f"  {account['role']:<11} 手机号 {account['phone']}  密码 {account['password']}  {account['place']} {account['name']}"
            )
        say("\n  停止按 Ctrl+C；数据保存在 instance/，下次启动还在。\n")
    if not no_serve:
        run_server(config, host, port, workers=None)

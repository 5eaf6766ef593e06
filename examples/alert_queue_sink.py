"""消息队列示例：把渠道告警发布到消息队列，由其他程序消费。

    python examples/alert_queue_sink.py
    python examples/alert_queue_sink.py --redis 127.0.0.1:6379 --stream channel_alerts

不带参数时使用进程内的队列，离线即可运行；--redis 把告警写入一个 Redis 流（XADD），无需额外的包。
任何消息队列都只需要一个带 notify(alert) 方法的类：正常返回表示队列已收下，抛出异常则稍后重试。

在运行中的路由器里使用（router_config.yaml）：

    extensions: {path: examples}
    monitoring:
      alerts:
        notifiers:
          - {type: custom, factory: "alert_queue_sink:redis_sink", options: {address: "127.0.0.1:6379"}}
"""

import argparse
import os
import queue
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"  # 由 python main.py 第一次运行时创建
if find_spec("msgspec") is None:
    if not PYTHON.exists() or Path(sys.prefix) == PYTHON.parent.parent:
        sys.exit("缺少运行环境：请先运行一次 python main.py")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - the project's own Python, no shell wanted
sys.path.insert(0, str(ROOT))

from smart_ai_router.core.alert_log import encode_alert  # noqa: E402 - the environment comes first
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor  # noqa: E402
from smart_ai_router.domain.alerts import Alert  # noqa: E402

ANSWER_TIMEOUT_S = 5.0
STREAM_LENGTH_MAX = 10_000  # 流的最大长度（近似）：没有消费者时也不会无限增长


class Publisher(Protocol):
    """消息队列的客户端：publish 返回表示消息已被收下。"""

    def publish(self, message: bytes) -> None: ...


class QueueSink:
    """通知器：每条告警作为一条消息发布，内容与 logs/channel_alerts.jsonl 的一行相同。

    同一条告警可能重复投递（例如确认丢失时）；消费者可以按 id 和 notice 去重。
    """

    def __init__(self, publisher: Publisher, name: str = "message-queue") -> None:
        self.name = name
        self._publisher = publisher

    def notify(self, alert: Alert) -> None:
        """发布一条告警。"""
        self._publisher.publish(encode_alert(alert))


class InProcessQueue:
    """进程内的队列，用于演示。"""

    def __init__(self) -> None:
        self.messages: queue.Queue[bytes] = queue.Queue(maxsize=1000)

    def publish(self, message: bytes) -> None:
        """放入队列；队列满时抛出异常，告警稍后重试。"""
        self.messages.put_nowait(message)


class RedisStream:
    """Redis 流：XADD <stream> MAXLEN ~ 10000 * alert <json>，使用 RESP 协议。"""

    def __init__(self, host: str, port: int, stream: str) -> None:
        self._address = (host, port)
        self._stream = stream

    def publish(self, message: bytes) -> None:
        """追加一条消息；Redis 没有确认时抛出异常。"""
        words = [b"XADD", self._stream.encode(), b"MAXLEN", b"~", b"%d" % STREAM_LENGTH_MAX, b"*", b"alert", message]
        command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        with socket.create_connection(self._address, ANSWER_TIMEOUT_S) as connection:
            connection.sendall(command)
            answer = connection.makefile("rb").readline(1024)
        if not answer.startswith(b"$"):  # 成功时返回消息编号；"-" 开头是错误，空是连接中断
            raise ConnectionError(f"Redis 没有收下告警: {answer.decode(errors='replace').strip() or '连接中断'}")


def redis_sink(address: str, stream: str = "channel_alerts") -> QueueSink:
    """配置文件中的 factory：options 就是这里的参数，都是文本。"""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"address 应为 HOST:PORT，而不是 {address!r}")
    return QueueSink(RedisStream(host, int(port), stream))


def main(arguments: list[str] | None = None) -> int:
    """演示：触发三个告警，发布到队列，再显示队列里的内容。"""
    parser = argparse.ArgumentParser(description="把渠道告警发布到消息队列")
    parser.add_argument("--redis", metavar="HOST:PORT", help="Redis 的地址；省略时使用进程内的队列")
    parser.add_argument("--stream", default="channel_alerts", help="Redis 流的名字（默认 channel_alerts）")
    options = parser.parse_args(arguments)
    local = InProcessQueue()
    sink = QueueSink(local)
    if options.redis:
        try:
            sink = redis_sink(options.redis, options.stream)
        except ValueError as error:
            parser.error(f"--redis: {error}")
    with tempfile.TemporaryDirectory() as directory:
        monitor = ChannelMonitor(Path(directory) / "channel_alerts.jsonl", notifiers=[sink])
        monitor.record_quota_exhausted("ch_openai_001", "OpenAI Official", {"remaining_requests": 0})
        monitor.record_low_balance("ch_deepseek_001", "DeepSeek", "2.50")
        monitor.record_api_key_invalid("ch_qwen_001", "Qwen")
        status = monitor.get_channel_status()["notifiers"]
        monitor.close()
    while not local.messages.empty():
        print(local.messages.get_nowait().decode())
    return report(status)


def report(status: object) -> int:
    """显示投递结果；全部收下时返回 0，否则返回 1。"""
    (result,) = status if isinstance(status, list) else ({},)
    print(f"已发布 {result['delivered']} 条，等待重试 {result['pending']} 条")
    if result["last_error"]:
        print(f"最近的错误: {result['last_error']}")
    return 1 if result["pending"] else 0


if __name__ == "__main__":
    sys.exit(main())

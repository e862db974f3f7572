"""One request as raw bytes on its own connection, and all that comes back."""

import asyncio


async def exchange(address: str, request: bytes) -> bytes:
    """Send `request` on a new connection; return all that comes back."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            answer = b""
            while True:
                try:
                    part = await asyncio.wait_for(reader.read(65536), 1.5)
                except (TimeoutError, ConnectionError):
                    return answer  # it waits for more of a request, or is gone
                if not part:
                    return answer
                answer += part
    finally:
        writer.close()

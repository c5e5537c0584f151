/// Writes an event stream (Server-Sent Events).
///
/// Source: the HTML standard, section "Server-sent events". Ids and names that hold a NUL, CR or LF are left out, because
/// they could forge other fields.
public enum EventStreamEncoder {
    /// A comment, to be sent where nothing else was: it keeps proxies from closing the connection. No empty line follows:
    /// it would be the end of an event without data, which some clients hand over as one (`httpx-sse`, `sseclient`).
    public static let heartbeat: StaticString = ":\n"

    /// Appends an event. `id` is what the client sends back as `Last-Event-ID`; without a name it is a `message`. Line
    /// breaks in `data`, which must be UTF-8, arrive as LF whichever they were.
    public static func appendEvent(
        id: UnsafeRawBufferPointer? = nil,
        name: StaticString? = nil,
        data: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer
    ) {
        if let id { appendField("id: ", id, to: &buffer) }
        if let name {
            appendField(
                "event: ",
                UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
                to: &buffer
            )
        }
        appendData(data, to: &buffer)
        buffer.append(0x0A)
    }

    /// Appends an id without an event: a browser keeps it and tells its page nothing.
    public static func appendID(_ id: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        appendField("id: ", id, to: &buffer)
        buffer.append(0x0A)
    }

    /// Appends the lines that a stream's first event begins with: how long the client waits before it reconnects, and
    /// if it is asked for a comment of spaces, for clients and proxies that show nothing before a first few kilobytes.
    public static func appendPrelude(retryMilliseconds: UInt64, paddingCount: Int = 0, to buffer: inout ByteBuffer) {
        buffer.append("retry: ")
        buffer.append(decimal: retryMilliseconds)
        buffer.append(0x0A)
        guard paddingCount > 0 else { return }
        buffer.append(":")
        buffer.append(spaces: paddingCount)
        buffer.append(0x0A)
    }

    private static func appendField(_ name: StaticString, _ value: UnsafeRawBufferPointer, to buffer: inout ByteBuffer)
    {
        guard WordScan.firstLineBreak(in: value, from: 0) == value.count, !value.contains(0) else { return }
        buffer.append(name)
        buffer.append(value)
        buffer.append(0x0A)
    }

    private static func appendData(_ data: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        var start = 0
        while true {
            let end = WordScan.firstLineBreak(in: data, from: start)
            buffer.append("data: ")
            buffer.append(UnsafeRawBufferPointer(rebasing: data[start..<end]))
            buffer.append(0x0A)
            if end == data.count { return }
            let isPair = data[end] == 0x0D && end + 1 < data.count && data[end + 1] == 0x0A
            start = end + (isPair ? 2 : 1)
        }
    }
}

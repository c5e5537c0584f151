import Logging
import Reactor
import Wire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes one JSON object per log line to standard error, for machines to read.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = ByteBuffer(capacity: 256)
        line.append("{\"time\":")
        line.append(decimal: Clock.realtimeMilliseconds)
        line.append(",\"level\":")
        line.appendJSONString(event.level.rawValue)
        line.append(",\"message\":")
        line.appendJSONString("\(event.message)")
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line.append(",")
            line.appendJSONString(key)
            line.append(":")
            line.appendJSONString("\(value)")
        }
        line.append("}\n")
        // One write per line keeps lines of several threads apart.
        _ = write(STDERR_FILENO, line.bytes.baseAddress, line.bytes.count)
    }
}

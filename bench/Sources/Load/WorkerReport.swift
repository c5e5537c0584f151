internal import CBench
internal import FoundationEssentials

/// What a worker process hands back at the end.
struct WorkerReport: Codable {
    var tally: Tally
    var latencies: Latencies

    /// Writes it to a pipe.
    func write(to descriptor: Int32) throws {
        let encoded = try JSONEncoder().encode(self)
        try encoded.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = bench_write(descriptor, bytes.baseAddress! + written, bytes.count - written)
                written += Int(try checked(Int32(count), "write a report"))
            }
        }
    }

    /// Reads it from a pipe to its end.
    static func read(from descriptor: Int32) throws -> WorkerReport {
        var encoded = Data()
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = part.withUnsafeMutableBytes { bench_read(descriptor, $0.baseAddress!, $0.count) }
            guard try checked(Int32(count), "read a report") > 0 else { break }
            encoded.append(contentsOf: part[..<count])
        }
        return try JSONDecoder().decode(WorkerReport.self, from: encoded)
    }
}

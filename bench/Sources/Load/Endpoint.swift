internal import ArgumentParser

/// A numeric IPv4 address and a port, written `127.0.0.1:8080`.
struct Endpoint: ExpressibleByArgument {
    let host: String
    let port: UInt16

    init?(argument: String) {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        self.host = String(parts[0])
        self.port = port
    }
}

internal import ArgumentParser
internal import CBench

/// The smallest broadcast server there can be: epoll, one list of members per channel, the frame encoded once, one
/// `send` for each member. What it costs is what the kernel costs, and every other server is measured against it.
///
/// It does only what the cases need: a WebSocket handshake on `/ws?channel=…`, `POST /channels/…`, and any other
/// request answered with 200 so that a script can wait for it. It trusts its input and runs on one thread.
///
/// Over Redis it is the smallest relay there can be: a publication is a `PUBLISH`, a channel with members a `SUBSCRIBE`.
@main
struct Floor: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "floor")

    @Option(help: "The loopback port to listen on.")
    var port: UInt16 = 18080

    @Flag(help: "Send what one tick brought with one call per member, instead of one call per publication.")
    var coalesce = false

    @Option(help: "Relay to other nodes through the Redis on this loopback port.")
    var redis: UInt16?

    func run() throws {
        let limit = try checked(bench_raise_descriptor_limit(), "raise the descriptor limit")
        var server = try Server(port: port, redisPort: redis, coalesces: coalesce, descriptorLimit: Int(limit))
        try server.run()
    }
}

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
    let action: String
    let code: Int32

    var description: String { "cannot \(action): \(String(cString: bench_error_text(code)))" }
}

/// Passes on the result of a shim call, or throws what it failed with.
func checked(_ outcome: Int32, _ action: String) throws -> Int32 {
    guard outcome >= 0 else { throw SystemError(action: action, code: -outcome) }
    return outcome
}

import Broker
import TestRandomness

@testable import Backplane
@testable import Reactor

/// A Redis that lies: what it answers is wrong now and then, or always, in type, number, length, order or at all.
///
/// The same seed tells the same lies. The positions that it gives are noted.
final class LyingRedis {
    private var listener: Listener
    private var connections: [Connection] = []
    private var random: SeededGenerator
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private(set) var accepted = 0
    private(set) var positions: Set<Position> = [.start, at(1), greatest]

    private static let greatest = Position(milliseconds: .max, sequence: .max)

    /// One connection of a node.
    private final class Connection {
        let socket: Socket
        /// Of a thousand answers so many are lies.
        let lies: Int
        /// Turns until it is cut.
        var turnsLeft: Int
        var input: [UInt8] = []
        var isSubscriber = false
        var held: [UInt8]?

        init(_ socket: Socket, lies: Int, turnsLeft: Int) {
            self.socket = socket
            self.lies = lies
            self.turnsLeft = turnsLeft
        }
    }

    /// Whether it says that it is a node of a cluster, of which there are three at this port.
    private let isClustered: Bool
    private var epoch = 1

    init(seed: UInt64, isClustered: Bool = false) throws {
        self.isClustered = isClustered
        listener = try Listener(host: "127.0.0.1", port: 0)
        random = SeededGenerator(seed: seed)
    }

    deinit {
        for connection in connections { connection.socket.close() }
        room.deallocate()
    }

    var port: UInt16 { listener.port }

    /// Accepts who waits, and answers what was asked.
    func turn() {
        while case .accepted(let socket, _) = listener.accept() {
            accepted += 1
            let lies = [0, 5, 50, 300, 1_000].randomElement(using: &random) ?? 0
            connections.append(Connection(socket, lies: lies, turnsLeft: Int.random(in: 1...12, using: &random)))
        }
        for connection in connections { answer(connection) }
        for connection in connections where connection.turnsLeft <= 0 {
            connection.socket.makeCloseAbortive()
            connection.socket.close()
        }
        connections.removeAll { $0.turnsLeft <= 0 }
    }

    private func answer(_ connection: Connection) {
        connection.turnsLeft -= 1
        while true {
            switch connection.socket.receive(into: room) {
            case .moved(let count): connection.input += room[..<count]
            case .wouldBlock:
                for command in takeCommands(&connection.input) { reply(to: command, on: connection) }
                return
            case .endOfStream, .failed:
                connection.turnsLeft = 0
                return
            }
        }
    }

    /// The whole commands, each as its arguments.
    private func takeCommands(_ input: inout [UInt8]) -> [[String]] {
        var commands: [[String]] = []
        var rest = input[...]
        func number(_ bytes: inout ArraySlice<UInt8>) -> Int? {
            guard let end = bytes.firstIndex(of: 10), let first = bytes.indices.first else { return nil }
            defer { bytes = bytes[(end + 1)...] }
            return Int(String(decoding: bytes[(first + 1)..<(end - 1)], as: UTF8.self))
        }
        while true {
            var ahead = rest
            guard let count = number(&ahead) else { break }
            var command: [String] = []
            while command.count < count, let length = number(&ahead), ahead.count >= length + 2 {
                command.append(String(decoding: ahead.prefix(length), as: UTF8.self))
                ahead = ahead.dropFirst(length + 2)
            }
            guard command.count == count else { break }
            commands.append(command)
            rest = ahead
        }
        input = Array(rest)
        return commands
    }

    // MARK: What it says

    private func reply(to command: [String], on connection: Connection) {
        var answers = truth(command, connection)
        let late = connection.held ?? []
        connection.held = nil
        if Int.random(in: 0..<1_000, using: &random) < connection.lies {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: answers = []
            case 1: answers += answers
            case 2:
                connection.held = answers
                answers = []
            case 3: answers += message()
            default: answers = lie(depth: 0)
            }
        }
        answers += late
        _ = answers.withUnsafeBytes { $0.isEmpty ? .wouldBlock : connection.socket.send($0) }
    }

    private func truth(_ command: [String], _ connection: Connection) -> [UInt8] {
        let text: String
        switch command.first {
        case "SUBSCRIBE", "UNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE":
            connection.isSubscriber = true
            let kind = command[0].lowercased()
            text = command.dropFirst().map { "*3\r\n" + kind.asBulk + $0.asBulk + ":1\r\n" }.joined()
        case "PING": text = connection.isSubscriber ? "*2\r\n$4\r\npong\r\n$0\r\n\r\n" : "+PONG\r\n"
        case "HELLO": text = CommandLinkFixture.hello(mode: isClustered ? "cluster" : "standalone")
        case "CLUSTER": text = command.last == "INFO" ? clusterInfo() : clusterSlots()
        case "FCALL", "FCALL_RO": text = result(of: command)
        default: text = "+OK\r\n"
        }
        return Array(text.utf8) + (connection.isSubscriber && Bool.random(using: &random) ? message() : [])
    }

    private func result(of command: [String]) -> String {
        switch command[1] {
        case "perseid_version": ":\(RedisFunctions.version)\r\n"
        case "perseid_publish": position().asBulk
        case "perseid_history": "*1\r\n" + position().asBulk
        case "perseid_histories": histories(count: max(0, command.count - 5) / 2)
        case "perseid_describe": "*3\r\n:1\r\n:1\r\n" + position().asBulk
        case "perseid_presence": "*1\r\n:0\r\n"
        case "perseid_session_resume": "*1\r\n:2\r\n"
        case "perseid_renew", "perseid_will_execute": "*0\r\n"
        case "perseid_will_renew": "*2\r\n:1\r\n" + ["", "", "abc"].randomElement(using: &random)!.asBulk
        case "perseid_writable": ["", "allkeys-lru"].randomElement(using: &random)!.asBulk
        default: ":1\r\n"
        }
    }

    /// Nothing follows, it is to be asked alone, or here it is.
    private func histories(count: Int) -> String {
        let all = (0..<count).map { _ in
            [":0\r\n", ":1\r\n", "*1\r\n" + position().asBulk].randomElement(using: &random)!
        }
        return "*\(count)\r\n" + all.joined()
    }

    private func clusterInfo() -> String {
        if Int.random(in: 0..<20, using: &random) == 0 { epoch += 1 }
        return "cluster_state:ok\r\ncluster_current_epoch:\(epoch)\r\n".asBulk
    }

    /// Slots by thirds, as of late: which third is whose, and whether there is a fourth, is different now and then.
    private func clusterSlots() -> String {
        let hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "localhost"].shuffled(using: &random)
        let bounds = [0, 5_000, 11_000, 16_384]
        let ranges = (0..<3).map { place in
            "*3\r\n:\(bounds[place])\r\n:\(bounds[place + 1] - 1)\r\n*3\r\n" + hosts[place].asBulk + ":\(port)\r\n"
                + "id".asBulk
        }
        return "*3\r\n" + ranges.joined()
    }

    private func position() -> String {
        let position = Position(milliseconds: UInt64(positions.count + 1_000), sequence: 7)
        positions.insert(position)
        return "\(position)"
    }

    /// What is heard of a channel: a publication, something like one, or anything.
    private func message() -> [UInt8] {
        if isClustered, Int.random(in: 0..<10, using: &random) == 0 {
            let name = ["perseid:{a}", "perseid:{b}", "other"].randomElement(using: &random) ?? ""
            return Array(("*3\r\n" + "sunsubscribe".asBulk + name.asBulk + ":0\r\n").utf8)
        }
        let channel =
            ["perseid:{a}", "perseid:{b}", "perseid:node:a", "perseid:nodes", "other"].randomElement(using: &random)
            ?? ""
        let position = UInt64.random(in: 0...9, using: &random)
        let payload =
            ["\(position + 1)-0 \(position)-0 t\nx", "1-0 ", "99999999999999999999-0 1-0 t\n", "\n", ""]
            .randomElement(using: &random) ?? ""
        let taken =
            "taken \(SessionID(using: &random)) \(["3", "-1", "18446744073709551616"].randomElement(using: &random) ?? "")"
        let control =
            [
                taken, "ask a \(position) describe u:x", "ask b -1 describe u:x", "ask b 1 disconnect s:x end",
                "told \(position) 1 {}", "told \(position) -1 {", "told \(position) 99999999999999999999 {}",
                "revoked 9 \(position) t:x", "revoked x y z", "ask", "",
            ].randomElement(using: &random) ?? ""
        let bytes = channel.hasPrefix("perseid:node") ? Array(control.utf8) : [0xc0] + Array(payload.utf8)
        return Array(("*3\r\n" + "message".asBulk + channel.asBulk + "$\(bytes.count)\r\n").utf8) + bytes + [13, 10]
    }

    private static let texts = [
        "", "OK", "PONG", "message", "subscribe", "perseid:{a}", "1-0", "0-0",
        "18446744073709551615-18446744073709551615",
        "99999999999999999999-1", "-", "a b c", "mode", "role", "replica", "\u{0}", "é",
    ]
    private static let numbers = [
        "0", "1", "-1", "3", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "18446744073709551616", "",
        "x", "1.5", "2147483647", "2147483648", "4294967296", "-2",
    ]
    private static let errors = [
        "ERR", "ERR Function not found", "ERR Library 'perseid' already exists", "READONLY no", "OOM no", "LOADING",
        "NOAUTH",
        "MOVED 1 127.0.0.1:1", "MOVED 15495 :1", "MOVED 15495 localhost:2", "MOVED 99999 127.0.0.1:1", "MOVED x",
        "ASK 15495 127.0.0.1:1",
        "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT",
        "ERR Script attempted to access a non local key in a cluster node",
        "NOPERM this user has no permissions to access one of the channels used as arguments",
        "",
    ]

    private func lie(depth: Int) -> [UInt8] {
        func any(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return Array(":\(any(Self.numbers))\r\n".utf8)
        case 1: return Array("+\(any(Self.texts))\r\n".utf8)
        case 2, 3: return Array("-\(any(Self.errors))\r\n".utf8)
        case 4: return Array(any(Self.texts).asBulk.utf8)
        case 5: return Array("$\(any(Self.numbers))\r\n".utf8)
        case 6: return Array("*\(any(Self.numbers))\r\n".utf8)
        case 7:
            return Array(
                any(["$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n", "\r\n", "HTTP/1.1 400 Bad Request\r\n"]).utf8
            )
        case 8:
            return (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        default:
            guard depth < 9 else { return Array(":1\r\n".utf8) }
            let count = Int.random(in: 0...6, using: &random)
            return Array("*\(count)\r\n".utf8) + (0..<count).flatMap { _ in lie(depth: depth + 1) }
        }
    }
}

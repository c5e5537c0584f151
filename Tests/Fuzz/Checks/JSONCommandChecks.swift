@testable import Wire

/// What clients, publishers and backends ask for in JSON.
enum JSONCommandChecks {
    private static let countMax = 8

    static func check(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy throws in
            let message = copy.readOnly
            try checkLayout(message)
            for range in (try? ClientCommand.ranges(in: message, countMax: countMax)) ?? [] {
                try require(range.upperBound <= message.count, "a command outside its message")
                try withExactCopy(of: bytes[range]) { try checkCommand($0.readOnly) }
            }
            try checkCommand(message)
            try checkLine(message)
            _ = try? ControlBody(message)
        }
        try checkSingleLine(bytes)
    }

    /// Elements lie one behind the other, and each is JSON by itself.
    private static func checkLayout(_ message: UnsafeRawBufferPointer) throws {
        let kind = JSONText.kind(of: message)
        let found = JSONText.elements(of: message, countMax: countMax)
        try requireSame(found != nil, kind == .array, "whether it is an array")
        try requireSame(JSONFields(message, ["a"]) != nil, kind == .object, "whether it is an object")
        var end = 0
        for range in found?.ranges ?? [] {
            try require(range.lowerBound > end - 1 && range.upperBound < message.count, "an element out of its place")
            end = range.upperBound
            try require(JSONText.kind(of: .init(rebasing: message[range])) != nil, "an element that is not JSON")
        }
        if kind != nil { try require(String(validating: message, as: UTF8.self) != nil, "JSON that is not UTF-8") }
    }

    private static func checkCommand(_ message: UnsafeRawBufferPointer) throws {
        let command: ClientCommand
        do throws(ClientCommandError) {
            command = try ClientCommand(message)
        } catch {
            try checkID(error.id, in: message)
            return try require(!error.message.isEmpty, "a refusal that says nothing")
        }
        try checkID(command.id, in: message)
        var written = ByteBuffer()
        written.append("{\"type\":")
        written.appendJSONString(command.kind.rawValue)
        write(id: command.id, of: message, to: &written)
        if command.kind != .ping, command.kind != .authenticate { write("channel", command.channel, to: &written) }
        if let since = command.since { write("since", since, to: &written) }
        if let token = command.token { write("token", token, to: &written) }
        if let key = command.key { write("key", key, to: &written) }
        if let data = command.data { try write(data, of: message, to: &written) }
        written.append("}")
        guard let again = try? ClientCommand(written.bytes) else {
            throw Violation(description: "a command written anew: \(String(decoding: written.bytes, as: UTF8.self))")
        }
        try requireSame(again.kind, command.kind, "kind")
        try requireSame(Array(again.channel.utf8), Array(command.channel.utf8), "channel")
        try requireSame(again.since, command.since, "since")
        try requireSame(again.token, command.token, "token")
        try requireSame(again.key, command.key, "key")
        try requireSame(content(again.data, written.bytes), content(command.data, message), "data")
    }

    private static func checkLine(_ bytes: UnsafeRawBufferPointer) throws {
        guard let line = try? PublicationLine(bytes) else { return }
        try checkID(line.id, in: bytes)
        try require((1...PublicationLine.onceBytesMax).contains(line.once?.utf8.count ?? 1), "a long once")
        var written = ByteBuffer()
        written.append("{\"a\":0")
        write(id: line.id, of: bytes, to: &written)
        write("channel", line.channel, to: &written)
        if let once = line.once { write("once", once, to: &written) }
        if let key = line.key { write("key", key, to: &written) }
        try write(line.data, of: bytes, to: &written)
        written.append("}")
        guard let again = try? PublicationLine(written.bytes) else {
            throw Violation(description: "a line written anew: \(String(decoding: written.bytes, as: UTF8.self))")
        }
        try requireSame(Array(again.channel.utf8), Array(line.channel.utf8), "channel")
        try requireSame(again.once, line.once, "once")
        try requireSame(again.key, line.key, "key")
        try requireSame(content(again.data, written.bytes), content(line.data, bytes), "data")
    }

    /// It is echoed, so it is short, one line, and JSON.
    private static func checkID(_ id: Range<Int>?, in message: UnsafeRawBufferPointer) throws {
        guard let id else { return }
        try require(id.upperBound < message.count && id.count <= ClientCommand.idBytesMax, "an id of \(id)")
        try requireSame(JSONText.kind(of: .init(rebasing: message[id])), .scalar, "the kind of an id")
        try require(!message[id].contains { $0 < 0x20 }, "an id of several lines")
    }

    private static func write(id: Range<Int>?, of message: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        guard let id else { return }
        buffer.append(",\"id\":")
        buffer.append(UnsafeRawBufferPointer(rebasing: message[id]))
    }

    private static func write(_ name: StaticString, _ text: String, to buffer: inout ByteBuffer) {
        buffer.append(",")
        buffer.appendJSONString(name)
        buffer.append(":")
        buffer.appendJSONString(text)
    }

    private static func write(
        _ data: PublishedData,
        of message: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer
    ) throws {
        switch data {
        case .json(let range):
            try require(range.upperBound < message.count, "data outside its message")
            let raw = UnsafeRawBufferPointer(rebasing: message[range])
            try require(JSONText.kind(of: raw) != nil, "data that is not JSON")
            buffer.append(",\"data\":")
            buffer.append(raw)
        case .bytes(let bytes):
            buffer.append(",\"data64\":\"")
            bytes.withUnsafeBytes { Base64.encode($0, to: &buffer) }
            buffer.append("\"")
        case .removal: buffer.append(",\"removed\":true")
        }
    }

    private static func content(_ data: PublishedData?, _ message: UnsafeRawBufferPointer) -> [UInt8]? {
        switch data {
        case .json(let range): Array(message[range])
        case .bytes(let bytes): bytes
        case .removal, nil: nil
        }
    }

    /// On one line it says the same.
    private static func checkSingleLine(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy throws in
            guard let kind = JSONText.kind(of: copy.readOnly) else { return }
            JSONText.makeSingleLine(copy)
            try requireSame(JSONText.kind(of: copy.readOnly), kind, "the kind of a text on one line")
            try require(!copy.contains { $0 < 0x20 }, "a line of several")
        }
    }
}

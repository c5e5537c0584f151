@testable import Wire

/// Frames and messages of a WebSocket, in both roles, with and without compression agreed on.
enum WebSocketChecks {
    private static let messageBytesMax = 600

    /// What a decoder said, as a value of its own.
    private enum Said: Equatable {
        case message(WebSocketOpcode, isCompressed: Bool, [UInt8])
        case close(UInt16, [UInt8])
        case failure(WebSocketFailure)
    }

    static func check(_ bytes: [UInt8]) throws {
        for role in [WebSocketDecoder.Role.server, .client] {
            for allowsCompression in [false, true] {
                let whole = try decode(bytes, [bytes.count], role, allowsCompression)
                var pieces = Pieces(bytes)
                let cut = try decode(bytes, pieces.ends(of: bytes.count), role, allowsCompression)
                try requireSame(whole, cut, "messages in pieces")
                try checkEncoded(whole, role)
            }
        }
    }

    private static func decode(
        _ bytes: [UInt8],
        _ ends: [Int],
        _ role: WebSocketDecoder.Role,
        _ allowsCompression: Bool
    ) throws -> [Said] {
        var decoder = WebSocketDecoder(
            role: role,
            messageBytesMax: messageBytesMax,
            allowsCompression: allowsCompression
        )
        var all: [Said] = []
        var (first, isOver) = (0, false)
        for end in ends {
            try withExactCopy(of: bytes[first..<end]) { copy throws in
                var consumed = 0
                while let said = try next(&decoder, copy, &consumed) {
                    try require(!isOver, "something behind the end")
                    if case .message = said {} else { isOver = true }
                    all.append(said)
                }
                if isOver { try requireSame(consumed, copy.count, "what is swallowed behind the end") }
                // What was not used stays as it came: it is shown again with more behind it.
                try require(
                    copy[consumed...].elementsEqual(bytes[(first + consumed)..<end]),
                    "a frame used before it is whole"
                )
                first += consumed
            }
            // A buffer doubles, and begins with 256.
            try require(decoder.heldBytes <= 2 * messageBytesMax, "\(decoder.heldBytes) bytes held")
            decoder.releaseDelivered()
        }
        return all
    }

    /// The next event; `nil` where more is needed.
    private static func next(
        _ decoder: inout WebSocketDecoder,
        _ bytes: UnsafeMutableRawBufferPointer,
        _ consumed: inout Int
    ) throws -> Said? {
        let before = consumed
        let event = decoder.next(in: bytes, consumed: &consumed)
        try require(consumed >= before && consumed <= bytes.count, "\(consumed) bytes consumed of \(bytes.count)")
        switch event {
        case .needMore(let minimumCount):
            try require(minimumCount > bytes.count - consumed, "waits for what is there")
            try require(minimumCount <= messageBytesMax + 14, "waits for \(minimumCount) bytes")
            return nil
        case .text(let text):
            try require(String(validating: text, as: UTF8.self) != nil, "a text that is not UTF-8")
            return try message(.text, text)
        case .binary(let payload): return try message(.binary, payload)
        case .compressed(let opcode, let payload): return try message(opcode, payload, isCompressed: true)
        case .ping(let payload): return try message(.ping, payload)
        case .pong(let payload): return try message(.pong, payload)
        case .close(let code, let reason):
            try require(code.isAllowedOnWire || code == .noStatusReceived, "a code that may not be sent")
            try require(String(validating: reason, as: UTF8.self) != nil, "a reason that is not UTF-8")
            return .close(code.rawValue, Array(reason))
        case .failure(let failure): return .failure(failure)
        }
    }

    private static func message(
        _ opcode: WebSocketOpcode,
        _ payload: UnsafeRawBufferPointer,
        isCompressed: Bool = false
    ) throws -> Said {
        try require(payload.count <= (opcode.isControl ? 125 : messageBytesMax), "a message over the limit")
        return .message(opcode, isCompressed: isCompressed, Array(payload))
    }

    /// The same messages written anew, in a frame each, say the same.
    private static func checkEncoded(_ all: [Said], _ role: WebSocketDecoder.Role) throws {
        var buffer = ByteBuffer()
        var expected: [Said] = []
        for (place, said) in all.enumerated() {
            let mask: UInt32? = role == .server ? UInt32(truncatingIfNeeded: place &* 0x9e37_79b9) : nil
            switch said {
            case .message(let opcode, let isCompressed, let payload):
                payload.withUnsafeBytes {
                    WebSocketEncoder.appendFrame(
                        opcode,
                        payload: $0,
                        isCompressed: isCompressed,
                        mask: mask,
                        to: &buffer
                    )
                }
            case .close(let code, let reason):
                reason.withUnsafeBytes {
                    WebSocketEncoder.appendClose(.init(rawValue: code), reason: $0, mask: mask, to: &buffer)
                }
            case .failure: continue
            }
            expected.append(said)
        }
        let bytes = Array(buffer.bytes)
        var pieces = Pieces(bytes)
        try requireSame(try decode(bytes, pieces.ends(of: bytes.count), role, true), expected, "messages, encoded")
    }
}

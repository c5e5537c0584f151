import Wire

/// Conversations by the sections of RFC 6455, each with what a decoder must make of it.
enum WebSocketCases {
    typealias Case = WebSocketDecoderTests.Case

    private static let smile = Array("κόσμε😀".utf8)
    private static let control125 = [UInt8](repeating: 0xFE, count: 125)

    static let valid: [Case] = [
        Case(name: "empty text", bytes: frame(0x81), events: [.text("")]),
        Case(name: "empty binary", bytes: frame(0x82), events: [.binary([])]),
        Case(
            name: "the masked hello of the RFC",
            bytes: [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58],
            events: [.text("Hello")]
        ),
        Case(
            name: "a mask of zeros",
            bytes: frame(0x81, Array("zero".utf8), mask: [0, 0, 0, 0]),
            events: [.text("zero")]
        ),
        Case(
            name: "several frames at once",
            bytes: frame(0x81, "a") + frame(0x82, [0xFF]) + frame(0x81, "b"),
            events: [.text("a"), .binary([0xFF]), .text("b")]
        ),
        Case(name: "125 bytes", bytes: frame(0x82, control125), events: [.binary(control125)]),
        Case(name: "126 bytes", bytes: frame(0x82, control125 + [1]), events: [.binary(control125 + [1])]),
        Case(
            name: "exactly the limit",
            bytes: frame(0x82, control125),
            events: [.binary(control125)],
            messageBytesMax: 125
        ),
        Case(name: "empty ping", bytes: frame(0x89), events: [.ping([])]),
        Case(name: "ping of 125 bytes, not text", bytes: frame(0x89, control125), events: [.ping(control125)]),
        Case(
            name: "unasked pong, then ping",
            bytes: frame(0x8A, "unasked") + frame(0x89, "here?"),
            events: [.pong(Array("unasked".utf8)), .ping(Array("here?".utf8))]
        ),
        Case(name: "two fragments", bytes: frame(0x01, "frag") + frame(0x80, "ment"), events: [.text("fragment")]),
        Case(
            name: "binary fragments",
            bytes: frame(0x02, [0xC0]) + frame(0x00, [0xC1]) + frame(0x80, [0xC2]),
            events: [.binary([0xC0, 0xC1, 0xC2])]
        ),
        Case(name: "empty fragments", bytes: frame(0x01) + frame(0x00) + frame(0x80), events: [.text("")]),
        Case(
            name: "empty first and last fragment",
            bytes: frame(0x01) + frame(0x00, "middle") + frame(0x80),
            events: [.text("middle")]
        ),
        Case(
            name: "ping between fragments",
            bytes: frame(0x01, "a") + frame(0x89, "p") + frame(0x80, "b"),
            events: [.ping([0x70]), .text("ab")]
        ),
        Case(
            name: "control frames between all fragments",
            bytes: frame(0x01, "a") + frame(0x8A) + frame(0x00, "b") + frame(0x89) + frame(0x80, "c")
                + frame(0x81, "d"),
            events: [.pong([]), .ping([]), .text("abc"), .text("d")]
        ),
        Case(
            name: "two fragmented messages",
            bytes: frame(0x01, "a") + frame(0x80, "b") + frame(0x02, [1]) + frame(0x80, [2]),
            events: [.text("ab"), .binary([1, 2])]
        ),
        Case(
            name: "close between fragments",
            bytes: frame(0x01, "a") + frame(0x88, [0x03, 0xE8]),
            events: [.close(1000, "")]
        ),
        Case(
            name: "text cut inside its characters",
            bytes: smile.dropLast().reduce(frame(0x01)) { $0 + frame(0x00, [$1]) } + frame(0x80, [smile.last!]),
            events: [.text(smile)]
        ),
        Case(
            name: "the last code point, noncharacters, a byte order mark",
            bytes: frame(0x81, [0xF4, 0x8F, 0xBF, 0xBF, 0xEF, 0xBF, 0xBE, 0xEF, 0xBB, 0xBF]),
            events: [.text([0xF4, 0x8F, 0xBF, 0xBF, 0xEF, 0xBF, 0xBE, 0xEF, 0xBB, 0xBF])]
        ),
        Case(name: "close without code", bytes: frame(0x88), events: [.close(1005, "")]),
        Case(name: "close with code", bytes: frame(0x88, [0x03, 0xE9]), events: [.close(1001, "")]),
        Case(name: "close with reason", bytes: frame(0x88, [0x0F, 0xA1] + smile), events: [.close(4001, smile)]),
        Case(
            name: "close with the longest reason",
            bytes: frame(0x88, [0x03, 0xE8] + [UInt8](repeating: 0x61, count: 123)),
            events: [.close(1000, [UInt8](repeating: 0x61, count: 123))]
        ),
        Case(
            name: "messages after close",
            bytes: frame(0x88, [0x03, 0xE8]) + frame(0x81, "late") + frame(0x89),
            events: [.close(1000, "")]
        ),
    ]

    static let violations: [Case] = framing + fragmentation + closing + text

    private static let framing: [Case] =
        [0x10, 0x20, 0x40, 0x30, 0x50, 0x60, 0x70].flatMap { (bits: UInt8) in
            [0x81, 0x82, 0x89, 0x8A, 0x88].map { (first: UInt8) in
                Case(
                    name: "reserved bits \(bits) on \(first)",
                    bytes: frame(first | bits),
                    events: [.failure(.reservedBitSet)]
                )
            }
        }
        + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map { (opcode: UInt8) in
            Case(
                name: "opcode \(opcode)",
                bytes: frame(0x81, "a") + frame(0x80 | opcode, "b"),
                events: [.text("a"), .failure(.reservedOpcode)]
            )
        }
        + [
            Case(name: "no mask", bytes: frame(0x81, Array("a".utf8), mask: nil), events: [.failure(.maskMissing)]),
            Case(name: "no mask on a ping", bytes: frame(0x89, [], mask: nil), events: [.failure(.maskMissing)]),
            Case(
                name: "5 bytes in 16 bits",
                bytes: frame(0x82, [1, 2, 3, 4, 5], lengthForm: .sixteenBits),
                events: [.failure(.lengthNotMinimal)]
            ),
            Case(
                name: "125 bytes in 16 bits",
                bytes: frame(0x82, control125, lengthForm: .sixteenBits),
                events: [.failure(.lengthNotMinimal)]
            ),
            Case(
                name: "126 bytes in 64 bits",
                bytes: frame(0x82, control125 + [1], lengthForm: .sixtyFourBits),
                events: [.failure(.lengthNotMinimal)]
            ),
            Case(
                name: "65,535 in 64 bits",
                bytes: [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
                events: [.failure(.lengthNotMinimal)]
            ),
            Case(
                name: "highest bit of the length",
                bytes: [0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0],
                events: [.failure(.lengthNegative)]
            ),
            Case(
                name: "one byte too big",
                bytes: frame(0x82, control125),
                events: [.failure(.messageTooBig)],
                messageBytesMax: 124
            ),
            Case(
                name: "2^63 - 1 bytes",
                bytes: [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
                events: [.failure(.messageTooBig)]
            ),
            Case(
                name: "ping of 126 bytes",
                bytes: frame(0x89, control125 + [1]),
                events: [.failure(.controlFrameTooLong)]
            ),
            Case(
                name: "pong of 126 bytes",
                bytes: frame(0x8A, control125 + [1]),
                events: [.failure(.controlFrameTooLong)]
            ),
            Case(
                name: "close of 126 bytes",
                bytes: frame(0x88, control125 + [1]),
                events: [.failure(.controlFrameTooLong)]
            ),
            Case(
                name: "short ping with a long length",
                bytes: frame(0x89, [1], lengthForm: .sixteenBits),
                events: [.failure(.controlFrameTooLong)]
            ),
            Case(
                name: "a message, a reserved bit, a ping",
                bytes: frame(0x81, "a") + frame(0xC1, "b") + frame(0x89),
                events: [.text("a"), .failure(.reservedBitSet)]
            ),
        ]

    private static let fragmentation: [Case] = [
        Case(
            name: "fragmented ping",
            bytes: frame(0x09, "a") + frame(0x80, "b"),
            events: [.failure(.controlFrameFragmented)]
        ),
        Case(name: "fragmented pong", bytes: frame(0x0A), events: [.failure(.controlFrameFragmented)]),
        Case(name: "fragmented close", bytes: frame(0x08), events: [.failure(.controlFrameFragmented)]),
        Case(name: "continuation first", bytes: frame(0x80, "a"), events: [.failure(.continuationWithoutStart)]),
        Case(name: "open continuation first", bytes: frame(0x00, "a"), events: [.failure(.continuationWithoutStart)]),
        Case(
            name: "continuation after a whole message",
            bytes: frame(0x81, "a") + frame(0x80, "b"),
            events: [.text("a"), .failure(.continuationWithoutStart)]
        ),
        Case(
            name: "continuation after the last one",
            bytes: frame(0x01, "a") + frame(0x80, "b") + frame(0x80, "c"),
            events: [.text("ab"), .failure(.continuationWithoutStart)]
        ),
        Case(
            name: "text inside text",
            bytes: frame(0x01, "a") + frame(0x81, "b"),
            events: [.failure(.messageInterrupted)]
        ),
        Case(
            name: "binary inside text",
            bytes: frame(0x01, "a") + frame(0x00, "b") + frame(0x02, "c"),
            events: [.failure(.messageInterrupted)]
        ),
        Case(
            name: "fragments above the limit together",
            bytes: frame(0x02, [1, 2, 3]) + frame(0x00, [4, 5]) + frame(0x80, [6]),
            events: [.failure(.messageTooBig)],
            messageBytesMax: 5
        ),
        Case(
            name: "one fragment above the limit",
            bytes: frame(0x02, control125),
            events: [.failure(.messageTooBig)],
            messageBytesMax: 124
        ),
    ]

    private static let closing: [Case] = [
        Case(name: "half a close code", bytes: frame(0x88, [0x03]), events: [.failure(.closeCodeTruncated)]),
        Case(name: "close code 1005", bytes: frame(0x88, [0x03, 0xED]), events: [.failure(.closeCodeForbidden)]),
        Case(
            name: "close code 1006 with reason",
            bytes: frame(0x88, [0x03, 0xEE, 0x61]),
            events: [.failure(.closeCodeForbidden)]
        ),
        Case(
            name: "reason that is not UTF-8",
            bytes: frame(0x88, [0x03, 0xE8, 0xED, 0xA0, 0x80]),
            events: [.failure(.closeReasonNotUTF8)]
        ),
        Case(
            name: "reason cut inside a character",
            bytes: frame(0x88, [0x03, 0xE8, 0xE2, 0x82]),
            events: [.failure(.closeReasonNotUTF8)]
        ),
    ]

    private static let text: [Case] =
        UTF8ValidatorTests.invalid.flatMap { bytes in
            [
                Case(name: "invalid text \(bytes)", bytes: frame(0x81, bytes), events: [.failure(.textNotUTF8)]),
                Case(
                    name: "invalid text \(bytes), byte for byte",
                    bytes: bytes.reduce(frame(0x01)) { $0 + frame(0x00, [$1]) } + frame(0x80),
                    events: [.failure(.textNotUTF8)]
                ),
            ]
        }
        + [
            Case(
                name: "invalid before the last fragment",
                bytes: frame(0x01, [0xCE, 0xBA, 0xF4]) + frame(0x00, [0x90]),
                events: [.failure(.textNotUTF8)]
            ),
            Case(
                name: "a character over the border of two messages",
                bytes: frame(0x81, [0xE2]) + frame(0x81, [0x82, 0xAC]),
                events: [.failure(.textNotUTF8)]
            ),
            Case(
                name: "cut at the end of the message",
                bytes: frame(0x01, "ab") + frame(0x80, [0xE2, 0x82]),
                events: [.failure(.textNotUTF8)]
            ),
        ]
}

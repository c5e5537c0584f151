import Wire

/// An event of a decoder with its bytes copied out.
enum RecordedEvent: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case compressed(WebSocketOpcode, [UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16, [UInt8])
    case failure(WebSocketFailure)

    static func text(_ string: String) -> RecordedEvent { .text(Array(string.utf8)) }
    static func close(_ code: UInt16, _ reason: String) -> RecordedEvent { .close(code, Array(reason.utf8)) }
}

/// A connection as the reactor treats it: bytes come in pieces, and what is incomplete is kept.
struct WebSocketReader {
    private(set) var decoder: WebSocketDecoder
    private(set) var events: [RecordedEvent] = []

    /// Bytes kept because their frame is not whole.
    private(set) var kept: [UInt8] = []

    /// Set if the decoder asked for no more than it already had, which would be an endless loop in a reactor.
    private(set) var isStuck = false

    init(
        role: WebSocketDecoder.Role = .server,
        messageBytesMax: Int = 65_536,
        allowsCompression: Bool = false
    ) {
        decoder = WebSocketDecoder(role: role, messageBytesMax: messageBytesMax, allowsCompression: allowsCompression)
    }

    mutating func feed(_ piece: [UInt8]) {
        kept += piece
        var consumed = 0
        var isDone = false
        while !isDone {
            kept.withUnsafeMutableBytes { bytes in
                switch decoder.next(in: bytes, consumed: &consumed) {
                case .needMore(let minimumCount):
                    isDone = true
                    if minimumCount <= bytes.count - consumed { isStuck = true }
                case .text(let payload): events.append(.text(Array(payload)))
                case .binary(let payload): events.append(.binary(Array(payload)))
                case .compressed(let opcode, let payload): events.append(.compressed(opcode, Array(payload)))
                case .ping(let payload): events.append(.ping(Array(payload)))
                case .pong(let payload): events.append(.pong(Array(payload)))
                case .close(let code, let reason): events.append(.close(code.rawValue, Array(reason)))
                case .failure(let failure): events.append(.failure(failure))
                }
            }
        }
        kept.removeFirst(consumed)
    }
}

/// How the length of a frame is written.
enum LengthForm {
    case shortest
    case sixteenBits
    case sixtyFourBits
}

/// A frame made by hand, right or wrong: `first` is its first byte, with final bit, reserved bits and opcode.
func frame(
    _ first: UInt8,
    _ payload: [UInt8] = [],
    mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D],
    lengthForm: LengthForm = .shortest
) -> [UInt8] {
    let maskBit: UInt8 = mask == nil ? 0 : 0x80
    var bytes = [first]
    let count = payload.count
    if lengthForm == .sixtyFourBits || lengthForm == .shortest && count > 65_535 {
        bytes.append(maskBit | 127)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    } else if lengthForm == .sixteenBits || count > 125 {
        bytes.append(maskBit | 126)
        bytes += [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
    } else {
        bytes.append(maskBit | UInt8(count))
    }
    guard let mask else { return bytes + payload }
    return bytes + mask + payload.enumerated().map { index, byte in byte ^ mask[index % 4] }
}

func frame(_ first: UInt8, _ payload: String) -> [UInt8] { frame(first, Array(payload.utf8)) }

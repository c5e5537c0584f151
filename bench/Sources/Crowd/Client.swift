/// One client of a crowd: 64 bytes, and nothing on the heap, for there are a million of them.
struct Client {
    enum State: UInt8 {
        /// Not begun, or waiting for its time to come back.
        case idle
        case connecting
        /// The request is sent, the answer's head is not here.
        case greeting
        case open
    }

    var descriptor: Int32 = -1
    var node: UInt16 = 0
    var state = State.idle
    /// Subscriptions that the node has not confirmed; 0 and open: it is ready.
    var awaited: UInt8 = 0
    /// The kinds of channels that it reads, a bit each.
    var joined: UInt8 = 0
    /// Those of which it knows a position: what it tells when it comes back.
    var known: UInt8 = 0
    /// It has been ready before, so it comes back with its cursor.
    var isReturning = false
    /// It has lost a connection since the last `settle`.
    var isMoved = false
    /// The start of a message is kept for it.
    var hasRest = false
    /// Milliseconds since the crowd's start: when it is to connect, when it began to, when it lost its connection.
    var dueMilliseconds: UInt32 = 0
    var begunMilliseconds: UInt32 = 0
    var lostMilliseconds: UInt32 = 0
    /// Of each kind of channel: the newest sequence number and position.
    var sequences: (UInt32, UInt32, UInt32) = (0, 0, 0)
    var positions: (Position, Position, Position) = (.zero, .zero, .zero)

    subscript(sequenceOf kind: Int) -> UInt32 {
        get { kind == 0 ? sequences.0 : kind == 1 ? sequences.1 : sequences.2 }
        set {
            switch kind {
            case 0: sequences.0 = newValue
            case 1: sequences.1 = newValue
            default: sequences.2 = newValue
            }
        }
    }

    subscript(positionOf kind: Int) -> Position {
        get { kind == 0 ? positions.0 : kind == 1 ? positions.1 : positions.2 }
        set {
            switch kind {
            case 0: positions.0 = newValue
            case 1: positions.1 = newValue
            default: positions.2 = newValue
            }
        }
    }
}

/// A position as 64 bits: 44 of milliseconds, 20 of the number within one.
struct Position: Equatable {
    let bits: UInt64

    static let zero = Position(milliseconds: 0, number: 0)

    init(milliseconds: UInt64, number: UInt64) { bits = milliseconds << 20 | number & 0xf_ffff }

    var text: String { "\(bits >> 20)-\(bits & 0xf_ffff)" }
}

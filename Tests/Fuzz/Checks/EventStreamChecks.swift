@testable import Wire

/// An event stream, as `perseid subscribe` reads it.
enum EventStreamChecks {
    private enum Said: Equatable {
        case event(name: [UInt8], data: [UInt8], id: [UInt8])
        case retry(UInt64)
        case tooBig
    }

    static func check(_ bytes: [UInt8]) throws {
        for eventBytesMax in [1_048_576, 32] {
            let whole = try decode(bytes, [bytes.count], eventBytesMax)
            var pieces = Pieces(bytes)
            try requireSame(whole, try decode(bytes, pieces.ends(of: bytes.count), eventBytesMax), "a stream in pieces")
            for said in whole {
                guard case .event(let name, let data, let id) = said else { continue }
                try require(name.count <= eventBytesMax && data.count <= eventBytesMax, "an event over the limit")
                try require(!id.contains { [0, 10, 13].contains($0) }, "an id that forges a line")
                try require(!name.contains { [10, 13].contains($0) }, "a name of several lines")
                try require(!data.contains(13), "a line break that is none")
            }
            if let at = whole.firstIndex(of: .tooBig) {
                try requireSame(at, whole.count - 1, "something behind what was too big")
            }
        }
        try checkEncoded(try decode(bytes, [bytes.count], 1_048_576))
    }

    /// The same events, written anew.
    private static func checkEncoded(_ all: [Said]) throws {
        var buffer = ByteBuffer()
        var expected: [Said] = []
        for said in all {
            guard case .event(_, let data, let id) = said else { continue }
            id.withUnsafeBytes { id in
                data.withUnsafeBytes { EventStreamEncoder.appendEvent(id: id, data: $0, to: &buffer) }
            }
            expected.append(.event(name: [], data: data, id: id))
        }
        let bytes = Array(buffer.bytes)
        var pieces = Pieces(bytes)
        try requireSame(try decode(bytes, pieces.ends(of: bytes.count), 1_048_576), expected, "events, written anew")
    }

    private static func decode(_ bytes: [UInt8], _ ends: [Int], _ eventBytesMax: Int) throws -> [Said] {
        var decoder = EventStreamDecoder(eventBytesMax: eventBytesMax)
        var all: [Said] = []
        var start = 0
        for end in ends {
            try withExactCopy(of: bytes[start..<end]) { copy in
                var consumed = 0
                reading: while true {
                    switch decoder.next(in: copy.readOnly, consumed: &consumed) {
                    case .needMore: break reading
                    case .event(let name, let data):
                        all.append(.event(name: Array(name), data: Array(data), id: Array(decoder.lastEventID)))
                    case .retry(let milliseconds): all.append(.retry(milliseconds))
                    case .tooBig: all.append(.tooBig)
                    }
                }
                try requireSame(consumed, copy.count, "bytes left over")
            }
            start = end
        }
        return all
    }
}

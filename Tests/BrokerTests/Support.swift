public import Broker
import TestRandomness

extension SeededGenerator {
    /// Whether something happens that happens once in so many times.
    mutating func once(in times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }
}

extension Position: ExpressibleByIntegerLiteral {
    /// Milliseconds; positions of tests need no sequence.
    public init(integerLiteral value: UInt64) {
        self.init(milliseconds: value, sequence: 0)
    }
}

extension Publication {
    /// A publication that follows another.
    init(_ position: Position, after previous: Position, bytes: Int = 3) {
        self.init(
            position: position,
            previous: previous,
            payload: Payload(kind: .text, bytes: [UInt8](repeating: 120, count: bytes))
        )
    }
}

/// Publications whose positions follow each other as they are listed, the first after `previous`.
func chain(_ positions: Position..., after previous: Position = .start) -> [Publication] {
    chain(of: positions, after: previous)
}

/// The same from an array.
func chain(of positions: [Position], after previous: Position = .start) -> [Publication] {
    var last = previous
    return positions.map { position in
        defer { last = position }
        return Publication(position, after: last)
    }
}

extension Sequence {
    /// In the order of a number that each has.
    func sorted(by number: KeyPath<Element, UInt32>) -> [Element] {
        sorted { $0[keyPath: number] < $1[keyPath: number] }
    }
}

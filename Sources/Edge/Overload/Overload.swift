/// Why a node has too much to do.
public enum Overload: UInt8, CaseIterable, Sendable {
    /// Its reactors come round too late.
    case lag = 1
    /// It has too much memory.
    case memory = 2

    /// What `/readyz` says of it.
    var reason: StaticString {
        switch self {
        case .lag: "the node is overloaded: its reactors are behind"
        case .memory: "the node is overloaded: its memory is used up"
        }
    }
}

/// Tells from looks once a second whether a node has too much to do. It begins with the second bad look in a row and ends with the
/// fifth good one: a node that came and went with each second would have its clients come and go with it.
///
/// A value without clock and system: who looks says what it saw.
struct OverloadWatch {
    /// Length of a reactor's turn that is too much; 0: none is.
    let lagMicrosecondsMax: Int

    /// Memory of the process that is too much; 0: none is.
    let memoryBytesMax: Int

    /// Looks in a row that it takes.
    static let badLooks = 2
    static let goodLooks = 5

    private var looks = 0
    private(set) var overload: Overload?

    init(lagMicrosecondsMax: Int, memoryBytesMax: Int) {
        self.lagMicrosecondsMax = lagMicrosecondsMax
        self.memoryBytesMax = memoryBytesMax
    }

    /// Takes in the longest turn of a second and the memory behind it.
    mutating func look(lagMicroseconds: Int, memoryBytes: Int) {
        if overload == nil {
            let seen = fault(lagMicroseconds, memoryBytes, lagMicrosecondsMax, memoryBytesMax)
            looks = seen == nil ? 0 : looks + 1
            guard looks >= Self.badLooks else { return }
            overload = seen
        } else {
            // Well below, or the first client that is let in again would be one too many.
            let seen = fault(lagMicroseconds, memoryBytes, lagMicrosecondsMax / 2, memoryBytesMax / 16 * 15)
            looks = seen == nil ? looks + 1 : 0
            guard looks >= Self.goodLooks else { return }
            overload = nil
        }
        looks = 0
    }

    private func fault(_ lag: Int, _ memory: Int, _ lagMax: Int, _ memoryMax: Int) -> Overload? {
        if memoryBytesMax > 0, memory > memoryMax { return .memory }
        if lagMicrosecondsMax > 0, lag > lagMax { return .lag }
        return nil
    }
}

/// The last events of a run, put into words only when someone asks.
final class Trace {
    private static let countMax = 80

    private var events: [(millisecond: UInt64, text: () -> String)] = []
    private var next = 0

    /// Keeps everything, for a run that is looked at.
    var isWhole = false

    func note(_ millisecond: UInt64, _ text: @escaping () -> String) {
        if isWhole || events.count < Self.countMax { return events.append((millisecond, text)) }
        events[next] = (millisecond, text)
        next = (next + 1) % Self.countMax
    }

    /// Oldest first.
    var lines: [String] {
        (events[next...] + events[..<next]).map { "\($0.millisecond) \($0.text())" }
    }
}

/// The simulated time, and what is to happen at which moment of it.
final class Schedule {
    private struct Event {
        let millisecond: UInt64
        let action: () -> Void
    }

    /// Milliseconds; begins late enough that the clock of Redis can go back.
    private(set) var now: UInt64 = 1_000_000

    /// The next one last; of one moment in the order in which they were asked for.
    private var events: [Event] = []

    func after(_ milliseconds: Int, _ action: @escaping () -> Void) {
        at(now + UInt64(milliseconds), action)
    }

    func at(_ millisecond: UInt64, _ action: @escaping () -> Void) {
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].millisecond <= millisecond { high = middle } else { low = middle + 1 }
        }
        events.insert(Event(millisecond: max(millisecond, now), action: action), at: low)
    }

    /// Lets time pass, and everything happen that is due by then.
    func advance(by milliseconds: Int) {
        let end = now + UInt64(milliseconds)
        while let event = events.last, event.millisecond <= end {
            events.removeLast()
            now = event.millisecond
            event.action()
        }
        now = end
    }

    /// Forgets what was to happen; it holds on to everybody it happens to.
    func removeAll() { events.removeAll() }
}

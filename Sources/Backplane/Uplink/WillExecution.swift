internal import Broker

/// A will that this node carries out, a page of its entries at a time.
///
/// Thread: owned by the uplink.
struct WillExecution {
    /// Entries that are looked at and told at a time: as many as a hook has requests at once, unless that is set otherwise.
    static let pageCountMax = 64

    let will: WillID

    /// Entries of the page that are not done with.
    private(set) var left = 0

    /// Those that the backend heard, or that need not be told.
    private(set) var done: [[UInt8]] = []

    init(_ will: WillID) { self.will = will }

    mutating func begin(_ count: Int) {
        left = count
        done = []
    }

    /// One is done with, or was to be and must be tried again.
    mutating func end(_ entry: [UInt8], isDone: Bool) {
        left -= 1
        if isDone { done.append(entry) }
    }
}

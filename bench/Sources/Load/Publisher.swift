/// One publishing connection. It has at most one publication under way, so its source's order is the order of sending.
struct Publisher {
    let descriptor: Int32
    /// Publications begun, which says whose turn it is among the publisher's channels.
    var turn = 0
    /// What was sent and is not answered.
    var pending: Pending?
    /// When the publications that wait for this connection were due. They keep their time: a server that stalls makes
    /// all of them late, not only the one under way (no coordinated omission).
    var dueTimes: [UInt64] = []
    var dueStart = 0
    /// The start of an answer that has not arrived whole.
    var incompleteAnswer: [UInt8] = []

    struct Pending {
        let source: Int
        let dueNanoseconds: UInt64
    }

    var hasDue: Bool { dueStart < dueTimes.count }

    mutating func takeDue() -> UInt64 {
        let due = dueTimes[dueStart]
        dueStart += 1
        if dueStart == dueTimes.count {
            dueTimes.removeAll(keepingCapacity: true)
            dueStart = 0
        }
        return due
    }
}

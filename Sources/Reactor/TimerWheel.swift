/// One coarse timer for each slot of a slab, without an object per timer.
///
/// Thread: owned by one reactor. Time is counted in ticks (the reactor says how long one is). A timer further away than
/// the wheel is wide fires early, once per turn of the wheel, and its owner schedules it again; so does an owner whose
/// deadline moved. Size: 12 bytes per slot.
public struct TimerWheel: ~Copyable {
    /// Buckets of the wheel, a power of two. With ticks of 250 ms, 1,024 reach 256 s, past every default timeout here.
    public static let bucketCount = 1_024

    /// The neighbours of a slot in its bucket, and the bucket; `.max` is none.
    private struct Link {
        var next: UInt32 = .max
        var previous: UInt32 = .max
        var bucket: UInt32 = .max
    }

    private var heads = [UInt32](repeating: .max, count: bucketCount)
    private var links: [Link] = []
    private var now: Tick

    /// Makes an empty wheel that stands at a tick.
    public init(startingAt tick: Tick = .start) {
        now = tick
    }

    /// Sets the timer of a slot, in place of the one it had. A tick that is not in the future fires with the next one,
    /// so a timer that always asks for "now" cannot hold the reactor.
    public mutating func schedule(_ slot: Slot, at tick: Tick) {
        let index = slot.number
        while links.count <= Int(index) {
            // Steps, not doubling: doubling would cost idle connections memory that nobody uses.
            links.reserveCapacity(links.count + 1_024)
            links.append(contentsOf: repeatElement(Link(), count: 1_024))
        }
        cancel(slot)
        let steps = UInt32(clamping: min(max(tick.steps(since: now), 1), Self.bucketCount - 1))
        let bucket = Int(now.number &+ steps) % Self.bucketCount
        let head = heads[bucket]
        links[Int(index)] = Link(next: head, previous: .max, bucket: UInt32(truncatingIfNeeded: bucket))
        if head != .max { links[Int(head)].previous = index }
        heads[bucket] = index
    }

    /// Whether a slot has a timer that has not come due.
    public func isSet(_ slot: Slot) -> Bool {
        Int(slot.number) < links.count && links[Int(slot.number)].bucket != .max
    }

    /// Forgets the timer of a slot.
    public mutating func cancel(_ slot: Slot) {
        let index = slot.number
        guard isSet(slot) else { return }
        let link = links[Int(index)]
        if link.previous != .max {
            links[Int(link.previous)].next = link.next
        } else {
            heads[Int(link.bucket)] = link.next
        }
        if link.next != .max { links[Int(link.next)].previous = link.previous }
        links[Int(index)] = Link()
    }

    /// Moves the wheel to a tick and takes the slots whose timers came due on the way, in no order.
    ///
    /// They are taken before any is acted on, so an owner may schedule and cancel freely while it works them off.
    public mutating func advance(to tick: Tick, into due: inout [Slot]) {
        let steps = min(tick.number &- now.number, UInt32(Self.bucketCount))
        for step in 0..<steps {
            let bucket = Int(now.number &+ step &+ 1) % Self.bucketCount
            while heads[bucket] != .max {
                let slot = Slot(number: heads[bucket])
                cancel(slot)
                due.append(slot)
            }
        }
        now = tick
    }
}

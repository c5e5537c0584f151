/// One coarse timer for each slot of a slab, without an object per timer.
///
/// Thread: owned by one reactor. Time is counted in ticks (the reactor says how long one is). A timer further away than
/// the wheel is wide fires early, once per turn of the wheel, and its owner schedules it again; so does an owner whose
/// deadline moved. Size: 12 bytes per slot.
public struct TimerWheel: ~Copyable {
    /// Buckets of the wheel, a power of two. With ticks of 250 ms, 1,024 reach 256 s, past every default timeout here.
    public static let bucketCount = 1_024

    private struct Link {
        var next: UInt32 = .max
        var previous: UInt32 = .max
        var bucket: UInt32 = .max
    }

    private var heads = [UInt32](repeating: .max, count: bucketCount)
    private var links: [Link] = []
    private var now: UInt32

    /// Makes an empty wheel that stands at a tick.
    public init(startingAt tick: UInt32 = 0) {
        now = tick
    }

    /// Sets the timer of a slot, in place of the one it had. A tick that is not in the future fires with the next one,
    /// so a timer that always asks for "now" cannot hold the reactor.
    public mutating func schedule(_ index: UInt32, at tick: UInt32) {
        while links.count <= Int(index) {
            // Steps, not doubling: doubling would cost idle connections memory that nobody uses.
            links.reserveCapacity(links.count + 1_024)
            links.append(contentsOf: repeatElement(Link(), count: 1_024))
        }
        cancel(index)
        // Ticks wrap; half of them lie ahead.
        let distance = Int32(bitPattern: tick &- now)
        let steps = UInt32(clamping: min(max(distance, 1), Int32(Self.bucketCount - 1)))
        let bucket = Int(now &+ steps) % Self.bucketCount
        let head = heads[bucket]
        links[Int(index)] = Link(next: head, previous: .max, bucket: UInt32(truncatingIfNeeded: bucket))
        if head != .max { links[Int(head)].previous = index }
        heads[bucket] = index
    }

    /// Forgets the timer of a slot.
    public mutating func cancel(_ index: UInt32) {
        guard Int(index) < links.count, links[Int(index)].bucket != .max else { return }
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
    public mutating func advance(to tick: UInt32, into due: inout [UInt32]) {
        let steps = min(tick &- now, UInt32(Self.bucketCount))
        for step in 0..<steps {
            let bucket = Int(now &+ step &+ 1) % Self.bucketCount
            while heads[bucket] != .max {
                let index = heads[bucket]
                cancel(index)
                due.append(index)
            }
        }
        now = tick
    }
}

internal import Broker
internal import Hub
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Looks at each connection once in an interval, at an equal share of them in each tick. A share that is too much for
    /// one tick is gone on with in the next.
    func writeCheckpoints(_ tick: Tick) {
        let slots = UInt32(clamping: connections.slotCount)
        let steps = UInt32(clamping: Tick.steps(in: limits.checkpointMilliseconds))
        if tick.number / steps != checkpointRound {
            checkpointRound = tick.number / steps
            if nextCheckpointSlot >= slots { nextCheckpointSlot = 0 }
        }
        let end = UInt32(clamping: UInt64(slots) * UInt64(tick.number % steps + 1) / UInt64(steps))
        var left = limits.checkpointsPerTickMax
        let sliceEnd = Clock.monotonicNanoseconds + Self.sliceMicroseconds * 1_000
        while nextCheckpointSlot < end, left > 0, Clock.monotonicNanoseconds < sliceEnd {
            let slot = Slot(number: nextCheckpointSlot)
            if connections.isLive(slot), hub.checkpoint(slot.client) { left -= 1 }
            nextCheckpointSlot += 1
        }
    }

    /// Time for checkpoints in one tick: some five hundred pings.
    private static let sliceMicroseconds: UInt64 = 4_000

    /// All that still matters of a WebSocket that was said goodbye to is its answer to that.
    func lookForClose(_ bytes: UnsafeMutableRawBufferPointer, _ slot: Slot) {
        let connection = connections[live: slot]
        guard connection.pointee.client.has(.isTwoWay), connection.pointee.client.session != nil else { return }
        var consumed = 0
        while true {
            switch nextEvent(in: bytes, consumed: &consumed, for: slot) {
            case .needMore, .failure: return
            case .close: return hub.confirmFarewell(slot.client)
            default: break
            }
        }
    }

    /// Both directions are ended. Whether in order, and with what last words, is seen by reading on.
    func readLastWords(_ slot: Slot) {
        while !connections[live: slot].pointee.isClosed {
            guard case .moved = readOnce(slot) else { return }
        }
    }
}

internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    func answerReadiness(_ index: UInt32) {
        if node.isReady { return answer(index, contentType: "application/json", literal("{\"status\":\"ready\"}")) }
        guard !node.isDraining, let trouble = node.trouble else {
            let message: StaticString = node.isDraining ? "the node is going away" : "the backplane is away"
            return refuse(index, status: 503, message) { $0.append(field: "Retry-After", 1) }
        }
        metrics.rejections.add()
        frame.removeAll()
        frame.append("{\"error\":{\"code\":503,\"message\":\"the backplane is away\",\"reason\":")
        frame.appendJSONString(trouble)
        frame.append("}}")
        answer(index, status: 503, contentType: "application/json", frame.bytes) { $0.append(field: "Retry-After", 1) }
    }

    /// Written in its turn among the long answers: it takes a millisecond.
    func askMetrics(_ index: UInt32) {
        connections[live: index].pointee.flags.insert(.isAnswering)
        lists.append(.metrics(connections.key(ofLive: index), origin: answerOrigin))
    }

    func answerMetrics(_ key: SlabKey, origin: String?) {
        guard let index = answering(key) else { return }
        answerOrigin = origin
        let text = MetricsText(node)
        answer(index, contentType: "text/plain; version=0.0.4; charset=utf-8", text.bytes)
    }

    func answerDemo(_ index: UInt32) {
        PackageResources.demo_html.withUnsafeBytes { page in
            answer(index, contentType: "text/html; charset=utf-8", page) {
                $0.append(
                    field: "Content-Security-Policy",
                    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:"
                )
                $0.append(field: "X-Content-Type-Options", "nosniff")
                $0.append(field: "Cache-Control", "no-cache")
            }
        }
    }

    // MARK: Ending

    /// Connections let go in one tick while draining: as many as it takes to be through after three quarters of the
    /// time, so that the nodes that take them over are not flooded and each still has a moment to leave by itself.
    private func drainShare(_ tick: UInt32, deadline: UInt32) -> Int {
        let reserve = limits.drainMilliseconds / 4 / CoarseClock.tickMilliseconds
        let ticksLeft = max(Int(Int32(bitPattern: deadline &- tick)) - Int(clamping: reserve), 1)
        return max((connections.count + ticksLeft - 1) / ticksLeft, 64)
    }

    /// Stops accepting and begins to let clients go.
    func beginDraining() {
        guard drainDeadlineTick == nil else { return }
        node.isDraining = true
        listener.close()
        isListening = false
        let deadline = reactor.tick(afterMilliseconds: limits.drainMilliseconds)
        drainDeadlineTick = deadline
        goOnDraining(reactor.currentTick, deadline: deadline)
    }

    /// Lets go of a batch, and ends when nobody is left or the time is up.
    func goOnDraining(_ tick: UInt32, deadline: UInt32) {
        var batch = drainShare(tick, deadline: deadline)
        for index in 0..<UInt32(clamping: connections.slotCount) where batch > 0 && connections.isLive(index) {
            let connection = connections[live: index]
            if let poll = polls[connections.key(ofLive: index)] {
                batch -= 1
                connection.pointee.flags.insert(.closesAfterAnswer)
                answer(poll)
                continue
            }
            guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing, .isAnswering]) else { continue }
            batch -= 1
            sayBye(
                index,
                .drain,
                afterMilliseconds: UInt64.random(in: 0...limits.drainMilliseconds / 4, using: &spread)
            )
        }
        let isOver = Int32(bitPattern: tick &- deadline) >= 0
        if isOver { closeAll() }
        let isEmpty = connections.count == graveyard.count
        if isOver || isEmpty { finish() }
    }

    /// Ends the connections of those who did not leave in time; a process that goes on must not keep them.
    private func closeAll() {
        for index in 0..<UInt32(clamping: connections.slotCount) where connections.isLive(index) { close(index) }
    }
}

internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    func answerHealth(_ exchange: Exchange) {
        answer(exchange, contentType: "application/json", literal("{\"status\":\"alive\"}"))
    }

    func answerReadiness(_ exchange: Exchange) {
        if node.isReady { return answer(exchange, contentType: "application/json", literal("{\"status\":\"ready\"}")) }
        guard !node.isDraining, let trouble = node.trouble else {
            let message: StaticString = node.isDraining ? "the node is going away" : "the backplane is away"
            return refuse(exchange, status: 503, message) { $0.append(field: "Retry-After", 1) }
        }
        metrics.rejections.add()
        frame.removeAll()
        AnswerBody.appendTrouble(status: 503, message: "the backplane is away", reason: trouble, to: &frame)
        answer(exchange, status: 503, contentType: "application/json", frame.bytes) {
            $0.append(field: "Retry-After", 1)
        }
    }

    /// Written in its turn among the long answers: it takes a millisecond.
    func askMetrics(_ exchange: Exchange) {
        holdRequests(behind: exchange)
        lists.append(.metrics(exchange))
    }

    func answerMetrics(_ exchange: Exchange) {
        guard isWaitedFor(exchange) else { return }
        let text = MetricsText(node)
        answer(exchange, contentType: "text/plain; version=0.0.4; charset=utf-8", text.bytes)
    }

    func answerDemo(_ exchange: Exchange) {
        PackageResources.demo_html.withUnsafeBytes { page in
            answer(exchange, contentType: "text/html; charset=utf-8", page) {
                $0.append(
                    field: "Content-Security-Policy",
                    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:"
                )
                $0.append(field: "X-Content-Type-Options", "nosniff")
                $0.append(field: "Cache-Control", "no-cache")
            }
        }
    }

    func answerRoot(_ exchange: Exchange) {
        answer(exchange, status: 302, contentType: nil, literal("")) { $0.append(field: "Location", "/demo") }
    }

    // MARK: Ending

    /// Connections let go in one tick while draining: as many as it takes to be through after three quarters of the
    /// time, so that the nodes that take them over are not flooded and each still has a moment to leave by itself.
    private func drainShare(_ tick: Tick, deadline: Tick) -> Int {
        let stepsLeft = max(deadline.steps(since: tick) - Tick.steps(in: limits.drainMilliseconds / 4), 1)
        return max((connections.count + stepsLeft - 1) / stepsLeft, 64)
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
    func goOnDraining(_ tick: Tick, deadline: Tick) {
        var batch = drainShare(tick, deadline: deadline)
        for slot in connections.slots where batch > 0 && connections.isLive(slot) {
            let connection = connections[live: slot]
            if isHeld(slot) {
                batch -= 1
                connection.pointee.answer.insert(.isLast)
                _ = answerPollNow(slot)
                continue
            }
            guard connection.pointee.isOpen, !connection.pointee.answer.contains(.isAwaited) else { continue }
            batch -= 1
            sayBye(
                slot,
                .drain,
                afterMilliseconds: UInt64.random(in: 0...limits.drainMilliseconds / 4, using: &spread)
            )
        }
        let isOver = deadline.isReached(by: tick)
        if isOver { closeAll() }
        let isEmpty = connections.count == graveyard.count
        if isOver || isEmpty { finish() }
    }

    /// Ends the connections of those who did not leave in time; a process that goes on must not keep them.
    private func closeAll() {
        for slot in connections.slots where connections.isLive(slot) { close(slot) }
    }
}

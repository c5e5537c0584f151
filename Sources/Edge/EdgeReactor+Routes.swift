internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a whole request to whom it is for.
    func handle(_ request: borrowing HTTPRequest, for slot: Slot) {
        beginAnswer(request, for: slot)
        guard isForHere(request, slot) else { return }
        do throws(HTTPRejection) {
            if request.head.method == .options { return answerPreflight(request, slot) }
            if request.isPath("/ws") {
                guard request.head.method == .get else { return refuseMethod(slot, allowed: "GET, OPTIONS") }
                try openWebSocket(request, slot)
            } else if request.isPath("/sse") {
                guard mayRead(request, slot) else { return }
                if try isToldToStay(request) { return answer(slot, status: 204, contentType: nil, literal("")) }
                try openStream(request, slot, as: .eventStream)
            } else if request.isPath("/stream") {
                guard mayRead(request, slot) else { return }
                try openStream(request, slot, as: .jsonStream)
            } else if request.isPath("/poll") {
                guard request.head.method == .get else { return refuseMethod(slot, allowed: "GET, OPTIONS") }
                try openPoll(request, slot)
            } else if request.head.path.hasPrefix("/channels/", in: request.octets.span) {
                try handleChannel(request, slot)
            } else {
                handlePage(request, slot)
            }
        } catch {
            refuse(slot, status: error.status, error.reason, field: error.field)
        }
    }

    /// Whether a request's method is one that reads; if not, it is answered with 405.
    private func mayRead(_ request: borrowing HTTPRequest, _ slot: Slot) -> Bool {
        if request.head.method == .get || request.head.method == .head { return true }
        refuseMethod(slot, allowed: "GET, HEAD, OPTIONS")
        return false
    }

    func refuseMethod(_ slot: Slot, allowed: StaticString) {
        refuse(slot, status: 405, "method not allowed", field: "method") { $0.append(field: "Allow", allowed) }
    }

    /// What is neither a channel nor a stream.
    private enum Page: CaseIterable {
        case health, readiness, metrics, demo, root

        var path: StaticString {
            switch self {
            case .health: "/healthz"
            case .readiness: "/readyz"
            case .metrics: "/metrics"
            case .demo: "/demo"
            case .root: "/"
            }
        }
    }

    private func handlePage(_ request: borrowing HTTPRequest, _ slot: Slot) {
        guard let page = Page.allCases.first(where: { request.isPath($0.path) }) else {
            return refuse(slot, status: 404, "nothing is here", field: "path")
        }
        guard mayRead(request, slot) else { return }
        switch page {
        case .health: answer(slot, contentType: "application/json", literal("{\"status\":\"alive\"}"))
        case .readiness: answerReadiness(slot)
        case .metrics: askMetrics(slot)
        case .demo: answerDemo(slot)
        case .root: answer(slot, status: 302, contentType: nil, literal("")) { $0.append(field: "Location", "/demo") }
        }
    }

    func literal(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

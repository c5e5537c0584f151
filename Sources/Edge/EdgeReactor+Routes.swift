internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a whole request to whom it is for.
    func handle(_ request: borrowing HTTPRequest, for index: UInt32) {
        beginAnswer(request, for: index)
        guard isForHere(request, index) else { return }
        do throws(HTTPRejection) {
            if request.head.method == .options { return answerPreflight(request, index) }
            if request.isPath("/ws") {
                guard request.head.method == .get else { return refuseMethod(index, allowed: "GET, OPTIONS") }
                try openWebSocket(request, index)
            } else if request.isPath("/sse") {
                guard mayRead(request, index) else { return }
                if try isToldToStay(request) { return answer(index, status: 204, contentType: nil, literal("")) }
                try openStream(request, index, as: .eventStream)
            } else if request.isPath("/stream") {
                guard mayRead(request, index) else { return }
                try openStream(request, index, as: .jsonStream)
            } else if request.isPath("/poll") {
                guard request.head.method == .get else { return refuseMethod(index, allowed: "GET, OPTIONS") }
                try openPoll(request, index)
            } else if request.head.path.hasPrefix("/channels/", in: request.octets.span) {
                try handleChannel(request, index)
            } else {
                handlePage(request, index)
            }
        } catch {
            refuse(index, status: error.status, error.reason, field: error.field)
        }
    }

    /// Whether a request's method is one that reads; if not, it is answered with 405.
    private func mayRead(_ request: borrowing HTTPRequest, _ index: UInt32) -> Bool {
        if request.head.method == .get || request.head.method == .head { return true }
        refuseMethod(index, allowed: "GET, HEAD, OPTIONS")
        return false
    }

    func refuseMethod(_ index: UInt32, allowed: StaticString) {
        refuse(index, status: 405, "method not allowed", field: "method") { $0.append(field: "Allow", allowed) }
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

    private func handlePage(_ request: borrowing HTTPRequest, _ index: UInt32) {
        guard let page = Page.allCases.first(where: { request.isPath($0.path) }) else {
            return refuse(index, status: 404, "nothing is here", field: "path")
        }
        guard mayRead(request, index) else { return }
        switch page {
        case .health: answer(index, contentType: "application/json", literal("{\"status\":\"alive\"}"))
        case .readiness: answerReadiness(index)
        case .metrics: askMetrics(index)
        case .demo: answerDemo(index)
        case .root: answer(index, status: 302, contentType: nil, literal("")) { $0.append(field: "Location", "/demo") }
        }
    }

    func literal(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    /// Hands a whole request to whom it is for.
    func handle(_ request: borrowing HTTPRequest, for index: UInt32) {
        beginAnswer(request, for: index)
        do throws(HTTPRejection) {
            if request.head.method == .options { return answerPreflight(request, index) }
            if request.isPath("/ws") {
                try allow(.get, request, index) { request throws(HTTPRejection) in try openWebSocket(request, index) }
            } else if request.isPath("/sse") {
                try allow(.get, request, index) { request throws(HTTPRejection) in try openEventStream(request, index) }
            } else if request.head.path.hasPrefix("/channels/", in: request.octets.span) {
                try handleChannel(request, index)
            } else {
                try allow(.get, request, index) { request throws(HTTPRejection) in try handlePage(request, index) }
            }
        } catch {
            refuse(index, status: error.status, error.reason, field: error.field)
        }
    }

    /// Lets a request through if its method fits, else answers 405 with what would.
    private func allow(
        _ method: HTTPMethod,
        _ request: borrowing HTTPRequest,
        _ index: UInt32,
        _ body: (borrowing HTTPRequest) throws(HTTPRejection) -> Void
    ) throws(HTTPRejection) {
        let isAllowed = request.head.method == method || (method == .get && request.head.method == .head)
        guard isAllowed else {
            return refuseMethod(index, allowed: method == .post ? "POST, OPTIONS" : "GET, HEAD, OPTIONS")
        }
        try body(request)
    }

    func refuseMethod(_ index: UInt32, allowed: StaticString) {
        refuse(index, status: 405, "method not allowed", field: "method") { $0.append(field: "Allow", allowed) }
    }

    private func handlePage(_ request: borrowing HTTPRequest, _ index: UInt32) throws(HTTPRejection) {
        if request.isPath("/healthz") {
            answer(index, contentType: "application/json", literal("{\"status\":\"alive\"}"))
        } else if request.isPath("/readyz") {
            answerReadiness(index)
        } else if request.isPath("/metrics") {
            answerMetrics(index)
        } else if request.isPath("/demo") {
            answerDemo(index)
        } else if request.isPath("/") {
            output.removeAll()
            output.append(
                status: 302,
                contentType: nil,
                body: literal(""),
                persistence: persistence(index)
            ) { $0.append(field: "Location", "/demo") }
            finishAnswer(index)
        } else {
            refuse(index, status: 404, "nothing is here", field: "path")
        }
    }

    func literal(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    // MARK: Other sites' pages

    /// Judges where the page that asks comes from.
    func judgeOrigin(_ request: borrowing HTTPRequest) -> OriginPolicy.Verdict {
        guard request.head[.origin] != nil else { return .own }
        return origins.judge(origin: request.text(of: .origin) ?? "null", host: request.text(of: .host))
    }

    /// The fields that let a listed site's page read an answer.
    func crossOriginFields(_ request: borrowing HTTPRequest) -> String? {
        judgeOrigin(request) == .listed ? request.text(of: .origin) : nil
    }

    func append(crossOrigin origin: String?, to buffer: inout ByteBuffer) {
        guard let origin else { return }
        buffer.append(field: "Access-Control-Allow-Origin", utf8: origin)
        buffer.append(field: "Access-Control-Allow-Credentials", "true")
        buffer.append(field: "Vary", "Origin")
    }

    private func answerPreflight(_ request: borrowing HTTPRequest, _ index: UInt32) {
        let origin = crossOriginFields(request)
        output.removeAll()
        output.append(status: 204, contentType: nil, body: literal(""), persistence: persistence(index)) {
            $0.append(field: "Allow", "GET, HEAD, POST, OPTIONS")
            append(crossOrigin: origin, to: &$0)
            guard origin != nil else { return }
            $0.append(field: "Access-Control-Allow-Methods", "GET, HEAD, POST")
            $0.append(
                field: "Access-Control-Allow-Headers",
                "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Cache-Control"
            )
            // Two hours: the most that Chromium keeps.
            $0.append(field: "Access-Control-Max-Age", "7200")
        }
        finishAnswer(index)
    }
}

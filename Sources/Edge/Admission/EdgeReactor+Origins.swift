internal import Broker
internal import Logging
internal import Reactor
internal import Wire

// What a browser says of the page that asks, and of the host it takes this node for.
extension EdgeReactor {
    // MARK: Hosts

    /// Whether a request is for a host that is served here; if not, it is answered with 421.
    ///
    /// A client that shows a key is no page that came by chance.
    func isForHere(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        if isKnownHost(request) { return true }
        let host = request.text(of: .host)
        if hosts.allows(host) {
            knownHost = host.map { Array($0.utf8) } ?? []
            return true
        }
        if (try? credentials(request))?.key != nil { return true }
        logger.debug("a host that is not served here", metadata: siteFacts(request))
        refuse(exchange, status: 421, "not served here: see public-origin and allowed-hosts", field: "Host")
        return false
    }

    /// Whether a request is for the very host that was allowed last: to judge a name takes a microsecond, and it is nearly
    /// always the same.
    private func isKnownHost(_ request: borrowing HTTPRequest) -> Bool {
        guard let range = request.head[.host], !knownHost.isEmpty else { return false }
        return request.bytes[range.indices].elementsEqual(knownHost)
    }

    /// What the log says of a request that was refused for where it comes from, cut to what a name can have.
    private func siteFacts(_ request: borrowing HTTPRequest) -> Logger.Metadata {
        let (host, origin) = (request.text(of: .host) ?? "", request.text(of: .origin) ?? "")
        return ["host": "\(host.prefix(255))", "origin": "\(origin.prefix(255))"]
    }

    // MARK: Other sites' pages

    /// Judges where the page that asks comes from.
    func judgeOrigin(_ request: borrowing HTTPRequest) -> OriginPolicy.Verdict {
        guard request.head[.origin] != nil else { return .own }
        return origins.judge(origin: request.text(of: .origin) ?? "null", host: request.text(of: .host))
    }

    /// The site whose page may read an answer: one that is listed, or `*`.
    func crossOriginFields(_ request: borrowing HTTPRequest) -> String? {
        switch judgeOrigin(request) {
        case .own: return nil
        case .listed: return request.text(of: .origin)
        case .anybody: return "*"
        case .foreign:
            logger.debug("a page of another site", metadata: siteFacts(request))
            return nil
        }
    }

    /// The site of the page that has an answer in a frame, if that is another than the node's own: as the request says, else as
    /// the browser does, which names no origin where it asks for a page.
    func foreignPage(_ request: borrowing HTTPRequest) throws(HTTPRejection) -> String? {
        let said = try request.parameter("origin")
        guard let page = page(around: request, said) else {
            guard said == nil else { throw HTTPRejection(status: 400, field: "origin", reason: "not an origin") }
            return nil
        }
        switch origins.judge(origin: page.description, host: request.text(of: .host)) {
        case .own: return nil
        case .listed, .anybody: return page.description
        case .foreign:
            guard said == nil else {
                throw HTTPRejection(status: 403, field: "origin", reason: "pages of this origin may not read here")
            }
            return nil
        }
    }

    /// Judges the page that has an answer in a frame.
    func judgeFrame(_ request: borrowing HTTPRequest) -> OriginPolicy.Verdict {
        let said = (try? request.parameter("origin")) ?? nil
        return origins.judge(origin: page(around: request, said)?.description, host: request.text(of: .host))
    }

    private func page(around request: borrowing HTTPRequest, _ said: String?) -> WebOrigin? {
        said.map { WebOrigin($0) } ?? request.text(of: .referer).map { WebOrigin(ofAddress: $0) } ?? nil
    }

    /// The fields that every answer to an exchange has: when it was, and who may read it.
    func append(fieldsOf exchange: Exchange, to buffer: inout ByteBuffer) {
        appendDate(to: &buffer)
        append(crossOrigin: exchange.origin, to: &buffer)
    }

    /// RFC 9110 §6.6.1: who has a clock says when.
    func appendDate(to buffer: inout ByteBuffer) {
        let seconds = Clock.realtimeMilliseconds / 1_000
        if date.seconds != seconds { date = HTTPDate(seconds: seconds) }
        buffer.append("Date: ")
        buffer.append(utf8: date.text)
        buffer.append("\r\n")
    }

    /// The fields that say which site's page may read an answer.
    func append(crossOrigin origin: String?, to buffer: inout ByteBuffer) {
        // Of what is said to one site's page nothing may be kept for another's.
        buffer.append(field: "Vary", "Origin")
        guard let origin else { return }
        buffer.append(field: "Access-Control-Allow-Origin", utf8: origin)
        // Credentials are for those who are trusted by name.
        if origin != "*" { buffer.append(field: "Access-Control-Allow-Credentials", "true") }
        buffer.append(field: "Access-Control-Expose-Headers", "Perseid-Session, Retry-After")
    }

    /// Answers OPTIONS: what may be done at a place, and by pages of which sites.
    func answerPreflight(_ exchange: Exchange, _ routes: [Route]) {
        answer(exchange, status: 204, contentType: nil, literal("")) {
            $0.append(field: "Allow", utf8: routes.allowedMethods)
            guard exchange.origin != nil else { return }
            $0.append(field: "Access-Control-Allow-Methods", utf8: routes.allowedMethods)
            $0.append(
                field: "Access-Control-Allow-Headers",
                "Accept, Authorization, Content-Type, Idempotency-Key, Perseid-Key, Last-Event-ID, Cache-Control, Pragma, X-Requested-With"
            )
            // Two hours: the most that Chromium keeps.
            $0.append(field: "Access-Control-Max-Age", "7200")
        }
    }
}

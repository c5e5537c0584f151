internal import Broker
internal import Logging
internal import Reactor
internal import Wire

// What a browser says of the page that asks, and of the host it takes this node for.
extension EdgeReactor {
    // MARK: Hosts

    /// Whether a request is for a host that is served here; if not, it is answered with 421.
    ///
    /// Who shows a key is no page that came by chance.
    func isForHere(_ request: borrowing HTTPRequest, _ exchange: Exchange) -> Bool {
        if isKnownHost(request) { return true }
        let host = request.text(of: .host)
        if hosts.allows(host) {
            knownHost = host.map { Array($0.utf8) } ?? []
            return true
        }
        if showsKey(request) { return true }
        logger.debug("a host that is not served here", metadata: siteFacts(request))
        refuse(exchange, status: 421, "not served here: see public-origin and allowed-hosts", field: "Host")
        return false
    }

    /// Whether a request is for the very host that was allowed last: to judge a name takes a microsecond, and it is nearly always
    /// the same.
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

    func append(crossOrigin origin: String?, to buffer: inout ByteBuffer) {
        guard let origin else { return }
        buffer.append(field: "Access-Control-Allow-Origin", utf8: origin)
        // Credentials are for those who are trusted by name.
        if origin != "*" { buffer.append(field: "Access-Control-Allow-Credentials", "true") }
        buffer.append(field: "Access-Control-Expose-Headers", "Perseid-Session, Retry-After")
        buffer.append(field: "Vary", "Origin")
    }

    func answerPreflight(_ exchange: Exchange) {
        let origin = exchange.origin
        output.removeAll()
        output.append(status: 204, contentType: nil, body: literal(""), persistence: persistence(exchange)) {
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
        finish(exchange)
    }
}

internal import Broker
internal import Wire

// What a browser shows of its user by itself, whichever page asks: its cookies, a password that it keeps, the certificate of the
// connection. For a page that is not trusted by name a request is nobody's, or that page would act as the user and read what is the user's.
extension EdgeReactor {
    /// Whether what a browser shows by itself counts for a request.
    func mayBeAmbient(_ request: borrowing HTTPRequest) -> Bool {
        // A page of any site can have a script run, and the browser does not say which.
        if isAnsweredByScript(request) { return false }
        guard judgeOrigin(request).isTrusted else { return false }
        return !request.isPath("/frame") || judgeFrame(request) != .anybody
    }

    /// What makes a script of an answer is where it is asked for: one of Bayeux calls a function that the request need not name.
    private func isAnsweredByScript(_ request: borrowing HTTPRequest) -> Bool {
        if Route.scriptPaths.contains(where: { request.isPath($0) }) {
            return ((try? request.parameter("callback")) ?? nil) != nil
        }
        return request.head.method != .post && isBayeux(request) && bayeuxWay(of: request) == .script
    }

    /// Whether a browser may have sent a field of this name by itself.
    func isAmbient(_ name: String, in request: borrowing HTTPRequest) -> Bool {
        name == "cookie" || name == "authorization" && bearer(request) == nil
    }
}

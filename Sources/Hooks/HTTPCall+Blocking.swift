internal import CCurl

extension HTTPCall {
    /// Makes the call and waits for what comes of it: for commands, which have nothing else to do meanwhile.
    public func perform() -> HTTPCaller.Outcome {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let transfer = HTTPTransfer(self, number: 0)
        else {
            return .failure(HTTPCallError(kind: .connection, reason: "cannot be asked for"))
        }
        return transfer.outcome(curl_easy_perform(transfer.easy))
    }
}

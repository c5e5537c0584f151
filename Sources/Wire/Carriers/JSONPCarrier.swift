extension Carrier {
    /// A poll that a page of any site asks for with a `script` element: the answer calls a function of the page.
    ///
    /// A browser does not show its page another status than 200, so errors are answered like that, too. The comment in front and
    /// the name of a file keep anything else than a script from being read into the answer (Rosetta Flash, 2014).
    public static let jsonp = Carrier(
        "jsonp",
        [.isOneAnswer, .takesJSONOnly, .isScript],
        contentType: "text/javascript; charset=utf-8",
        head: { _, output in
            output.append(field: "X-Content-Type-Options", "nosniff")
            output.append(field: "Content-Disposition", "attachment; filename=\"f.txt\"")
            output.append(field: "Cross-Origin-Resource-Policy", "cross-origin")
        },
        answer: { json, wishes, output in
            output.append("/**/")
            output.append(utf8: wishes.callback?.text ?? "")
            output.append("(")
            output.append(scriptJSON: json)
            output.append(");\n")
        }
    )
}

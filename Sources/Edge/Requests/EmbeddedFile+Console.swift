extension EmbeddedFile {
    /// The console: a page, and a file for each noun of it. What it shows is asked for with an operator's key; the page itself says nothing.
    static let console: [(path: StaticString, file: EmbeddedFile)] = [
        ("/", EmbeddedFile(.page, PackageResources.console_html)),
        ("/console/bars.mjs", EmbeddedFile(.script, PackageResources.bars_mjs)),
        ("/console/channel.mjs", EmbeddedFile(.script, PackageResources.channel_mjs)),
        ("/console/channels.mjs", EmbeddedFile(.script, PackageResources.channels_mjs)),
        ("/console/client.mjs", EmbeddedFile(.script, PackageResources.client_mjs)),
        ("/console/clients.mjs", EmbeddedFile(.script, PackageResources.clients_mjs)),
        ("/console/console.css", EmbeddedFile(.style, PackageResources.console_css)),
        ("/console/console.mjs", EmbeddedFile(.script, PackageResources.console_mjs)),
        ("/console/dom.mjs", EmbeddedFile(.script, PackageResources.dom_mjs)),
        ("/console/facts.mjs", EmbeddedFile(.script, PackageResources.facts_mjs)),
        ("/console/format.mjs", EmbeddedFile(.script, PackageResources.format_mjs)),
        ("/console/names.mjs", EmbeddedFile(.script, PackageResources.names_mjs)),
        ("/console/node.mjs", EmbeddedFile(.script, PackageResources.node_mjs)),
        ("/console/overview.mjs", EmbeddedFile(.script, PackageResources.overview_mjs)),
        ("/console/problems.mjs", EmbeddedFile(.script, PackageResources.problems_mjs)),
        ("/console/sparkline.mjs", EmbeddedFile(.script, PackageResources.sparkline_mjs)),
        ("/console/tail.mjs", EmbeddedFile(.script, PackageResources.tail_mjs)),
        ("/console/tiles.mjs", EmbeddedFile(.script, PackageResources.tiles_mjs)),
    ]
}

# Reads apt's sources in both of its formats; writes one line for each enabled suite of binary packages:
#   URI <tab> suite <tab> components <tab> Signed-By or - <tab> Trusted or -
# A key that stands in the file itself keeps its lines, joined by "|".  Formats: sources.list(5).

FNR == 1 { end_stanza(); deb822 = FILENAME ~ /\.sources$/ }

{ sub(/\r$/, "") }
/^[ \t]*#/ { next }

!deb822 {
    if ($1 != "deb") next
    line = $0
    sub(/[ \t]#.*/, "", line)
    options = ""
    if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
    }
    count = split(line, word, " ")
    components = ""
    for (i = 4; i <= count; i++) components = components (i > 4 ? " " : "") word[i]
    put(word[2], word[3], components, option(options, "signed-by"), option(options, "trusted"))
    next
}

/^[ \t]*$/ { end_stanza(); next }

/^[ \t]/ {
    text = $0
    sub(/^[ \t]+/, "", text)
    if (field == "signed-by") value[field] = value[field] (value[field] == "" ? "" : "|") text
    else value[field] = value[field] " " text
    next
}

{
    field = tolower(substr($0, 1, index($0, ":") - 1))
    text = substr($0, index($0, ":") + 1)
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    value[field] = text
}

END { end_stanza() }

function end_stanza(    uris, suites, n, m, i, j) {
    if ((" " value["types"] " ") ~ / deb / && tolower(value["enabled"]) !~ /^(no|false|off|0|without|disable)$/) {
        n = split(value["uris"], uris, " ")
        m = split(value["suites"], suites, " ")
        for (i = 1; i <= n; i++)
            for (j = 1; j <= m; j++)
                put(uris[i], suites[j], value["components"], value["signed-by"], value["trusted"])
    }
    split("", value)
    field = ""
}

function option(options, name,    words, count, i) {
    count = split(options, words, " ")
    for (i = 1; i <= count; i++)
        if (index(words[i], name "=") == 1) return substr(words[i], length(name) + 2)
    return ""
}

function put(uri, suite, components, signed_by, trusted) {
    gsub(/[ \t]+/, " ", components)
    sub(/\/+$/, "", uri)
    print uri "\t" suite "\t" or_dash(components) "\t" or_dash(signed_by) "\t" or_dash(trusted)
}

function or_dash(text) { return text == "" ? "-" : text }

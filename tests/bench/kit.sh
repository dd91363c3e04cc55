# What the benches share: random data as documents, wrk, and figures of several rounds. To be
# sourced by a script that has $here (this folder), $dir (a folder for what comes and goes),
# $seconds (of each round) and die; $client is a command to run wrk by, where there is one.

# ---- random data -----------------------------------------------------------------------

# rows M N: a JSON array of M rows of N numbers in [0, 1).
rows() {
    awk -v m="$1" -v n="$2" 'BEGIN {
        srand(m * 1000 + n)
        for (i = 0; i < m; i++) {
            printf "%s", i ? ",[" : "[["
            for (j = 0; j < n; j++) printf "%s%.4f", j ? "," : "", rand()
            printf "]"
        }
        printf "]"
    }'
}

# job NAME ROWS INPUTS CLASSES 'more members': the document of a job.
job() {
    printf '{"model":"%s","seed":1,%s,"data":{"features":' "$1" "$5"
    rows "$2" "$3"
    awk -v m="$2" -v k="$4" 'BEGIN {
        printf ",\"targets\":["
        for (i = 0; i < m; i++) printf "%s%d", i ? "," : "", i % k
        printf "]}}"
    }'
}

# body MODEL ROWS INPUTS: the document of a prediction.
body() {
    printf '{"model":"%s","instances":' "$1"
    rows "$2" "$3"
    printf '}'
}

# ---- figures ---------------------------------------------------------------------------

# load CONNECTIONS BODY URL FILE [TYPE [TOKEN]]: adds "requests/s p50 p99" to FILE.
load() {
    # shellcheck disable=SC2086  # a command before it, or none
    line=$(${client:-} wrk -t 1 -c "$1" -d "${seconds}s" -s "$here/load.lua" "$3" -- "$2" \
        ${5:+"$5"} ${6:+"$6"} | sed -n 's/^result //p')
    [ "${line##* }" = 0 ] || die "$3 had errors: ${line:-no result}"
    echo "${line% *}" >>"$4"
}

# median FILE COLUMN: "median least greatest" of a column.
median() {
    awk -v c="$2" '{print $c}' "$1" | sort -n | awk '{v[NR] = $1} END {
        print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR]}'
}

# ratio FILE FILE COLUMN: the same of the rounds' ratios.
ratio() {
    paste -d ' ' "$1" "$2" | awk -v c="$3" '{print $c / $(c + NF / 2)}' >"$dir/ratio"
    median "$dir/ratio" 1
}

# row NAME FORMAT "median least greatest"
row() {
    # shellcheck disable=SC2086  # three numbers
    set -- "$1" "$2" $3
    # shellcheck disable=SC2059  # the format is an argument
    printf "  %-38s $2   ($2 to $2)\n" "$1" "$3" "$4" "$5"
}

#!/bin/sh
# Trains two small networks on real tables over HTTP, tests them on rows they have not seen,
# and leaves the daemon serving them. Run by `make demo`.
#
#   DEMO_PORT    where to listen (8080; a free port when it is taken)
#   DEMO_FOLDER  where the store goes, emptied first (build/demo)
#   DEMO_EXIT=1  stop at the end instead of serving
set -eu

binary=${DESCENTD:-build/descentd}
folder=${DEMO_FOLDER:-build/demo}
port=${DEMO_PORT:-8080}
tables=$(dirname "$0")/../tests/data
pid=

for tool in curl jq awk; do
    command -v "$tool" >/dev/null || { echo "the demo needs $tool: make deps" >&2; exit 1; }
done

stop_daemon() {
    [ -z "$pid" ] && return
    kill "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    pid=
}
trap stop_daemon EXIT
trap 'trap "" INT TERM; echo; stop_daemon; exit 130' INT
trap 'trap "" INT TERM; stop_daemon; exit 143' TERM

# Starts the daemon on a port and sets `url`. Fails when it does not come up.
start_daemon() {
    : >"$folder/out"
    "$binary" serve --listen "127.0.0.1:$1" --store "$folder/descentd.db" \
        >"$folder/out" 2>"$folder/log" &
    pid=$!
    tries=0
    while ! grep -q '^listening on ' "$folder/out"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
            stop_daemon
            return 1
        fi
        sleep 0.05
    done
    url=$(sed -n 's/^listening on //p' "$folder/out")
}

call() {
    curl --noproxy '*' --silent --show-error "$@"
}

# table_json TABLE train|test: the features and targets of four rows in five, or of the fifth.
table_json() {
    awk -F, -v part="$2" '
        NR == 1 || ((NR % 5 == 0) != (part == "test")) { next }
        {
            sub(/\r$/, "")
            row = $1
            for (i = 2; i < NF; i++)
                row = row "," $i
            label = $NF ~ /^-?[0-9.]+$/ ? $NF : "\"" $NF "\""
            features = features comma "[" row "]"
            targets = targets comma label
            comma = ","
        }
        END { printf "{\"features\":[%s],\"targets\":[%s]}\n", features, targets }
    ' "$tables/$1.csv"
}

# draw_progress STATUS PROGRESS EPOCH EPOCHS COST SECONDS_LEFT
draw_progress() {
    awk -v status="$1" -v progress="$2" -v epoch="$3" -v epochs="$4" -v cost="$5" \
        -v left="$6" 'BEGIN {
        width = 30
        for (i = 0; i < width; i++)
            bar = bar (i < progress * width ? "#" : ".")
        printf "  [%s] %3d %%  epoch %d of %d  cost %s  %s", bar, int(progress * 100), epoch,
            epochs, cost == "-" ? "-" : sprintf("%.6f", cost),
            status == "running" && left != "-" ? sprintf("%.1f s left", left) : status
    }'
}

# Follows a job until it has ended: one line drawn again and again in a terminal, else a line
# for each tenth.
follow_job() {
    shown=
    while :; do
        call "$url/v1/jobs/$1" | jq -r '[.status, .progress, .epoch, .epochs, .cost // "-",
            (if .status == "running" and (.epochs_per_second // 0) > 0
             then (.epochs - .epoch) / .epochs_per_second else "-" end),
            (.progress * 10 | floor)] | map(tostring) | join(" ")' >"$folder/progress"
        read -r status progress epoch epochs cost left tenth <"$folder/progress"
        line=$(draw_progress "$status" "$progress" "$epoch" "$epochs" "$cost" "$left")
        if [ -t 1 ]; then
            printf '\r%s\033[K' "$line"
        elif [ "$status $tenth" != "$shown" ]; then
            shown="$status $tenth"
            printf '%s\n' "$line"
        fi
        case $status in
        queued | running) sleep 0.1 ;;
        *) break ;;
        esac
    done
    if [ -t 1 ]; then
        echo
    fi
    [ "$status" = succeeded ]
}

# run_table TABLE HYPERPARAMETERS: trains on it, then predicts the rows that were held out.
run_table() {
    table_json "$1" train >"$folder/train.json"
    table_json "$1" test >"$folder/test.json"
    jq -c --arg model "$1" --argjson rest "$2" '{model: $model, data: .} + $rest' \
        "$folder/train.json" >"$folder/job.json"
    printf '\n%s: training on %s of its rows, %s\n' "$1" \
        "$(jq '.targets | length' "$folder/train.json")" "$2"
    call --data-binary "@$folder/job.json" "$url/v1/jobs" >"$folder/answer.json"
    id=$(jq -r '.id // empty' "$folder/answer.json")
    if [ -z "$id" ] || ! follow_job "$id"; then
        echo "the job was not done:" >&2
        cat "$folder/answer.json" >&2
        return 1
    fi

    jq -c --arg model "$1" '{model: $model, instances: .features}' "$folder/test.json" |
        call --data-binary @- "$url/predict" >"$folder/answer.json"
    jq -r --slurpfile test "$folder/test.json" '
        def text: if type == "string" then . else tojson end;
        $test[0].targets as $truth | . as $answer | ($truth | length) as $n
        | [range($n) | select($answer.predictions[.] == $truth[.])] | length
        | "  \(.) of \($n) rows it has not seen are right: \(. / $n * 1000 | round / 10) %",
          "  prediction     truth          probability",
          (range(0; $n; ($n / 6 | floor))
           | [($answer.predictions[.] | text), ($truth[.] | text),
              ($answer.probabilities[.] | max * 1000 | round / 1000 | tostring)]
           | "  " + (map(. + " " * ([15 - length, 1] | max)) | add) | sub(" +$"; ""))
    ' "$folder/answer.json"
}

mkdir -p "$folder"
rm -f "$folder/descentd.db" "$folder/descentd.db-wal" "$folder/descentd.db-shm"
if ! start_daemon "$port"; then
    echo "port $port is not to be had; taking a free one"
    start_daemon 0 || { cat "$folder/log" >&2; exit 1; }
fi
echo "descentd serves at $url, its store is $folder/descentd.db"

run_table iris '{"hidden_layers":[16],"activation":"tanh","normalize":"standard","learning_rate":0.01,"epochs":50000,"seed":1}'
run_table digits '{"hidden_layers":[64],"normalize":"minmax","batch_size":32,"learning_rate":0.01,"epochs":1500,"seed":1}'

cat <<END

Try next:
  curl -d '{"model":"iris","instances":[[5.9,3.0,5.1,1.8],[5.0,3.4,1.5,0.2]]}' $url/predict
  curl $url/v1/jobs/$id
  curl '$url/v1/jobs/$id/history?max_points=5'
  curl $url/v1/models
  curl -d '{"model":"xor","data":{"features":[[0,0],[0,1],[1,0],[1,1]],"targets":[0,1,1,0]}}' $url/v1/jobs
END
if [ "${DEMO_EXIT:-0}" = 1 ]; then
    exit 0
fi
echo "Ctrl-C stops the daemon."
wait "$pid"

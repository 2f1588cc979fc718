#!/usr/bin/env bash
# A tracking server for a team: MLflow with accounts, on a PostgreSQL of its own, all in one folder.
#
#   examples/team.sh start              makes what isn't there yet, and serves until Ctrl-C
#   examples/team.sh user ann editor    in another terminal: an account (editor or reader), or a new password for it
#
# By environment: TEAM_FOLDER, where everything lies (./team); TEAM_PORT (5000); TEAM_URL, the address that people
# use (http://127.0.0.1:5000). The server listens on this machine only: docs/team.md puts a proxy with TLS before it.
# It needs Python 3.11 and PostgreSQL's programs (Debian: apt-get install postgresql), and no rights of root.
set -euo pipefail
umask 077 # the database, the files and all passwords are for the user who runs this

here=$(cd "$(dirname "$0")" && pwd)
folder=$(realpath -m "${TEAM_FOLDER:-team}")
port=${TEAM_PORT:-5000}
url=${TEAM_URL:-http://127.0.0.1:$port}
host=${url#*://} host=${host%%/*}
python=$folder/venv/bin/python
PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin) # where Debian puts initdb and pg_ctl

# A secret is made once, in a file, and never in the arguments of a program, which all users of a machine can list.
secret() {
    [ -s "$folder/secrets/$1" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "$folder/secrets/$1"
    cat "$folder/secrets/$1"
}

prepare() {
    mkdir -p "$folder/secrets" "$folder/users" "$folder/artifacts"
    if ! cmp -s "$here/team-requirements.txt" "$folder/venv/requirements.txt"; then
        python3 -m venv "$folder/venv"
        "$python" -m pip install --quiet --requirement "$here/team-requirements.txt"
        cp "$here/team-requirements.txt" "$folder/venv/requirements.txt"
    fi
    if [ ! -e "$folder/database/PG_VERSION" ]; then
        # No port and no password: only the user who owns this folder gets at the socket in it.
        initdb --pgdata "$folder/database" --auth peer --encoding UTF8 > "$folder/database.log"
        printf "listen_addresses = ''\nunix_socket_directories = '%s'\n" "$folder" \
            >> "$folder/database/postgresql.conf"
    fi
}

stop() {
    kill "${server:-}" 2> /dev/null || true
    wait
    pg_ctl --pgdata "$folder/database" --mode fast stop > /dev/null
}

start() {
    mkdir -p "$folder"
    exec 9> "$folder/lock"
    flock --nonblock 9 || { echo "$folder: a server runs from it already" >&2; exit 1; }
    prepare
    export PGHOST=$folder PGDATABASE=mlflow
    pg_ctl --pgdata "$folder/database" status > /dev/null ||
        pg_ctl --pgdata "$folder/database" --log "$folder/database.log" --wait start > /dev/null 9>&-
    trap stop EXIT
    trap 'exit 0' INT TERM
    psql --quiet --no-align --tuples-only --dbname postgres \
        --command "SELECT 1 FROM pg_database WHERE datname = 'mlflow'" | grep -q 1 || createdb mlflow

    MLFLOW_AUTH_ADMIN_PASSWORD=$(secret admin) MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret flask)
    export MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY
    export MLFLOW_AUTH_CONFIG_PATH=$here/basic_auth.ini
    export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
    # An address without a place: psycopg2 takes that from PGHOST and PGDATABASE. A worker that is silent for 5 seconds,
    # as on a busy machine, would be killed with all that it answers.
    "$python" -m mlflow server --app-name basic-auth --backend-store-uri postgresql+psycopg2:/// \
        --serve-artifacts --artifacts-destination "$folder/artifacts" --host 127.0.0.1 --port "$port" --workers 2 \
        --allowed-hosts "$host,127.0.0.1:$port,localhost:$port" --cors-allowed-origins "$url" \
        --uvicorn-opts "--timeout-worker-healthcheck 60" &
    server=$!
    wait "$server"
}

user() {
    export MLFLOW_TRACKING_URI=http://127.0.0.1:$port MLFLOW_TRACKING_USERNAME=admin
    MLFLOW_TRACKING_PASSWORD=$(secret admin)
    export MLFLOW_TRACKING_PASSWORD
    local account
    account=$("$python" -W ignore "$here/team_user.py" "$1" "$2" "$url")
    printf '%s\n' "$account" > "$folder/users/$1.env"
    echo "$folder/users/$1.env: give it to $1, who sources it before using charter"
}

case "${1:-} $#" in
    "start 1") start ;;
    "user 3") user "$2" "$3" ;;
    *) sed -n '2,9s/^# \?//p' "$0" >&2; exit 2 ;;
esac

# bash completion for hvd. hvd itself knows what could stand there: see "hvd complete" in cmd-complete.c.

# Sets words and piece: what stands between hvd and the cursor. bash cuts at = and : as well; piece is the
# part of the last word that it will replace.
_hvd_words()
{
    local rest=${COMP_LINE:-${COMP_WORDS[*]}} part before i

    words=()
    piece=
    for ((i = 0; i <= COMP_CWORD; i++)); do
        part=${COMP_WORDS[i]}
        before=${rest%%"$part"*}
        rest=${rest#*"$part"}
        if ((i < 2)) || [[ -z $part || $before == *[[:space:]]* ]]; then
            words+=("$part")
        else
            words[-1]+=$part
        fi
        piece=$part
    done
    words=("${words[@]:1}")
    [[ $piece != [=:] ]] || piece=
}

_hvd()
{
    local program=${1:-hvd} words piece last quote='' fixed line candidate

    COMPREPLY=()
    _hvd_words
    last=${words[-1]}
    fixed=${last:0:${#last}-${#piece}}
    fixed=${fixed//[\\\"\']/}
    [[ $piece != [\"\']* ]] || quote=${piece:0:1}
    while IFS= read -r line; do
        case $line in
            files | directories)
                compopt -o filenames 2>/dev/null
                line=${line%s}
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -A "${line/%directorie/directory}" -- "$piece")
                ;;
            =*)
                candidate=${line#=}
                candidate=${candidate%%$'\t'*}
                candidate=${candidate:${#fixed}}
                [[ $candidate != *= ]] || compopt -o nospace 2>/dev/null
                # inside of quotes these would mean something to the shell
                [[ -z $quote || $candidate != *[\"\'\`\$\\!]* ]] || continue
                [[ -n $quote ]] || printf -v candidate %q "$candidate"
                COMPREPLY+=("$quote$candidate")
                ;;
        esac
    done < <("${program/#\~/$HOME}" complete -- "${words[@]//[\\\"\']/}" 2>/dev/null)
}

complete -F _hvd hvd

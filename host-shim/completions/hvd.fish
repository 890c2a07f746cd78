# fish completion for hvd. hvd itself knows what could stand there: see "hvd complete" in cmd-complete.c.

function __hvd_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] $current 2>/dev/null)
        switch $line
            case files
                __fish_complete_path (string replace -r '^--[a-z0-9-]+=' '' -- $current)
            case directories
                __fish_complete_directories (string replace -r '^--[a-z0-9-]+=' '' -- $current)
            case '=*'
                string sub -s 2 -- $line
        end
    end
end

complete -c hvd -f -a '(__hvd_complete)'

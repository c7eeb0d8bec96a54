# libvirt's daemons: by systemd where it runs, else started directly, virtlogd first.

started_pids=()

libvirt_answers() {
    timeout 20 virsh -q -c qemu:///system version > /dev/null 2>&1
}

ensure_daemons() {
    open_kvm_device
    libvirt_answers && return
    say 'Starting the daemons of libvirt ...'
    if [[ -d /run/systemd/system ]]; then
        as_root systemctl start virtlogd.socket
        as_root systemctl start libvirtd || as_root systemctl start virtqemud.socket virtnetworkd.socket virtstoraged.socket
    else
        start_daemon virtlogd
        start_daemon libvirtd
    fi
    wait_for_libvirt
    may_use_libvirt
}

# Gives /dev/kvm to its group, as udev does on a host that runs it. As long as qemu's user cannot open the device,
# libvirt asks qemu anew what it can before every start of a machine, and that takes many seconds each time.
open_kvm_device() {
    [[ -c /dev/kvm && $(stat -c %a /dev/kvm) == 600 ]] || return 0
    getent group kvm > /dev/null || return 0
    say 'Giving /dev/kvm to the group kvm ...'
    as_root chgrp kvm /dev/kvm
    as_root chmod 660 /dev/kvm
}

# Remembers the process, so that it can be ended by the one who started it.
start_daemon() {
    local pid_file=/run/$1.pid
    is_running "$1" && return
    as_root "$1" -d
    wait_until test -s "$pid_file"
    started_pids=("$(cat "$pid_file")" "${started_pids[@]}")
}

# A process that has ended but was not yet reaped does not count.
is_running() {
    local pid
    for pid in $(pgrep -x "$1"); do
        process_is_gone "$pid" || return 0
    done
    return 1
}

stop_started_daemons() {
    local pid
    for pid in "${started_pids[@]}"; do
        as_root kill "$pid"
        wait_until process_is_gone "$pid"
    done
    started_pids=()
}

process_is_gone() {
    [[ ! -e /proc/$1 || $(awk '{ print $3 }' "/proc/$1/stat" 2> /dev/null) == Z ]]
}

wait_for_libvirt() {
    wait_until libvirt_socket_answers || die 'libvirt does not answer on qemu:///system' \
        'its log: journalctl -u libvirtd, or start it by hand in a terminal: virtlogd -d; libvirtd'
}

libvirt_socket_answers() {
    as_root virsh -q -c qemu:///system version > /dev/null 2>&1
}

may_use_libvirt() {
    libvirt_answers || die "user $(id -un) may not talk to libvirt" \
        "sudo usermod -a -G libvirt $(id -un), then log in anew"
}

# Tries a command every 0.2 s for 30 s.
wait_until() {
    local tries=150
    until "$@"; do
        ((tries-- > 0)) || return 1
        sleep 0.2
    done
}

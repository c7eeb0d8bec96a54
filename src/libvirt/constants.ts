/** Names and numbers of libvirt's public headers, version 9.0.0; they are part of its stable ABI. */

export const LIBVIRT_LIBRARY = 'libvirt.so.0'
export const LIBVIRT_QEMU_LIBRARY = 'libvirt-qemu.so.0'

// libvirt/virterror.h: virErrorNumber
export const VIR_ERR_NO_CONNECT = 5
export const VIR_ERR_OPERATION_FAILED = 9
export const VIR_ERR_XML_DETAIL = 35
export const VIR_ERR_SYSTEM_ERROR = 38
export const VIR_ERR_NO_DOMAIN = 42
export const VIR_ERR_NO_NETWORK = 43
export const VIR_ERR_AUTH_FAILED = 45
export const VIR_ERR_OPERATION_INVALID = 55
export const VIR_ERR_AUTH_CANCELLED = 79
export const VIR_ERR_AUTH_UNAVAILABLE = 94

// libvirt/libvirt-host.h: virConnectCredentialType
export const VIR_CRED_AUTHNAME = 2
export const VIR_CRED_PASSPHRASE = 5

// libvirt/libvirt-domain.h: virDomainState
export const VIR_DOMAIN_NOSTATE = 0
export const VIR_DOMAIN_RUNNING = 1
export const VIR_DOMAIN_BLOCKED = 2
export const VIR_DOMAIN_PAUSED = 3
export const VIR_DOMAIN_SHUTDOWN = 4
export const VIR_DOMAIN_SHUTOFF = 5
export const VIR_DOMAIN_CRASHED = 6
export const VIR_DOMAIN_PMSUSPENDED = 7

// libvirt/libvirt-domain.h: virDomainCreateFlags
export const VIR_DOMAIN_START_PAUSED = 1

// libvirt/libvirt-domain.h: virDomainSaveRestoreFlags
export const VIR_DOMAIN_SAVE_PAUSED = 4

// libvirt/libvirt-domain.h: virDomainXMLFlags
export const VIR_DOMAIN_XML_SECURE = 1
export const VIR_DOMAIN_XML_MIGRATABLE = 8

// libvirt/libvirt-domain.h: virDomainModificationImpact
export const VIR_DOMAIN_AFFECT_LIVE = 1

// libvirt/libvirt-common.h: virTypedParameterType; libvirt/libvirt-domain.h: VIR_DOMAIN_BANDWIDTH_{IN,OUT}_AVERAGE
export const VIR_TYPED_PARAM_UINT = 2
export const VIR_DOMAIN_BANDWIDTH_IN_AVERAGE = 'inbound.average'
export const VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE = 'outbound.average'

// libvirt/libvirt-domain-snapshot.h: virDomainSnapshotCreateFlags
export const VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA = 4
export const VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY = 16
export const VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT = 32
export const VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC = 128

// libvirt/libvirt-domain.h: virDomainConsoleFlags
export const VIR_DOMAIN_CONSOLE_FORCE = 1

// libvirt/libvirt-domain.h: virDomainEventID
export const VIR_DOMAIN_EVENT_ID_LIFECYCLE = 0
export const VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE = 18

// libvirt/libvirt-domain.h: virConnectDomainEventAgentLifecycleState
export const VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED = 1

// libvirt/libvirt-event.h: virEventHandleType
export const VIR_EVENT_HANDLE_READABLE = 1

// libvirt/libvirt-stream.h: virStreamFlags, virStreamEventType
export const VIR_STREAM_NONBLOCK = 1
export const VIR_STREAM_EVENT_READABLE = 1
export const VIR_STREAM_EVENT_WRITABLE = 2
export const VIR_STREAM_EVENT_ERROR = 4
export const VIR_STREAM_EVENT_HANGUP = 8

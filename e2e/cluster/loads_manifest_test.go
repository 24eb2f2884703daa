package cluster

// steadyLoads run through all tests: a known CPU, a known memory, and one of
// each kind of owner for the paths of REST.
const steadyLoads = `
apiVersion: v1
kind: Namespace
metadata: {name: loads}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: burn, namespace: loads, labels: {load: cpu}}
spec:
  selector: {matchLabels: {app: burn}}
  template:
    metadata: {labels: {app: burn, load: cpu}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node1}
      terminationGracePeriodSeconds: 1
      containers:
      - {name: burn, image: "{{.Image}}", args: [burn, --millicores, "300"], resources: {requests: {cpu: 250m, memory: 16Mi}, limits: {memory: 64Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hold, namespace: loads}
spec:
  selector: {matchLabels: {app: hold}}
  template:
    metadata: {labels: {app: hold}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node2}
      terminationGracePeriodSeconds: 1
      containers:
      - {name: hold, image: "{{.Image}}", args: [hold, --mebibytes, "200"], resources: {requests: {memory: 210Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: sink, namespace: loads}
spec:
  selector: {matchLabels: {app: sink}}
  template:
    metadata: {labels: {app: sink}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node2}
      terminationGracePeriodSeconds: 1
      containers:
      - {name: sink, image: "{{.Image}}", args: [serve, --listen, ":9000"]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ordered, namespace: loads}
spec:
  serviceName: ordered
  selector: {matchLabels: {app: ordered}}
  template:
    metadata: {labels: {app: ordered}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: idle, image: "{{.Image}}", args: [pause]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere, namespace: loads}
spec:
  selector: {matchLabels: {app: everywhere}}
  template:
    metadata: {labels: {app: everywhere}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: idle, image: "{{.Image}}", args: [pause]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: loads}
spec:
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
      - {name: idle, image: "{{.Image}}", args: [pause]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often, namespace: loads}
spec:
  schedule: "* * * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
          containers:
          - {name: idle, image: "{{.Image}}", args: [pause]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: loads}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: idle, image: "{{.Image}}", args: [pause]}
`

// writer writes 64 MiB past the page cache once and then waits.
const writer = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: write, namespace: loads}
spec:
  selector: {matchLabels: {app: write}}
  template:
    metadata: {labels: {app: write}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node1}
      terminationGracePeriodSeconds: 1
      volumes: [{name: data, emptyDir: {}}]
      containers:
      - name: write
        image: "{{.Image}}"
        args: [write, --mebibytes, "64", --file, /data/block, --direct]
        volumeMounts: [{name: data, mountPath: /data}]
`

// sender sends 50 MB to .To once and then waits.
const sender = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{.Name}}", namespace: loads}
spec:
  selector: {matchLabels: {app: "{{.Name}}"}}
  template:
    metadata: {labels: {app: "{{.Name}}"}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node1}
      hostNetwork: {{.HostNetwork}}
      terminationGracePeriodSeconds: 1
      containers:
      - {name: send, image: "{{.Image}}", args: [send, --to, "{{.To}}", --megabytes, "50"]}
`

// streamer sends 25 MB to .To every 35 seconds, and nothing in between.
const streamer = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: stream, namespace: loads}
spec:
  selector: {matchLabels: {app: stream}}
  template:
    metadata: {labels: {app: stream}}
    spec:
      nodeSelector: {kubernetes.io/hostname: node1}
      terminationGracePeriodSeconds: 1
      containers:
      - {name: send, image: "{{.Image}}", args: [send, --to, "{{.To}}", --megabytes, "25", --every, 35s]}
`

// crasher ends with an error after a second, again and again.
const crasher = `
apiVersion: v1
kind: Pod
metadata: {name: crash, namespace: loads}
spec:
  nodeSelector: {kubernetes.io/hostname: node2}
  terminationGracePeriodSeconds: 1
  containers:
  - {name: crash, image: "{{.Image}}", args: [crash, --after, 1s]}
  - {name: steady, image: "{{.Image}}", args: [burn, --millicores, "50"]}
`

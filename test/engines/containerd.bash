# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts load that have containerd: a daemon of their own with RUNTIME, and images made here.

# start_containerd: listens at $CONTAINERD_ADDRESS. Its CRI uses RUNTIME for each pod, and the networks of $T/etc/cni.
start_containerd() {
	mkdir -p "$T/etc/cni" /run/c
	cat >"$T/etc/config.toml" <<-END
		version = 2
		root = "$T/root"
		state = "/run/c/state"
		oom_score = 0
		[grpc]
		  address = "/run/c/sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:latest"
		  restrict_oom_score_adj = true
		  tolerate_missing_hugetlb_controller = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$T/etc/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		  default_runtime_name = "masu"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.masu]
		  runtime_type = "io.containerd.runc.v2"
		  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.masu.options]
		    BinaryName = "$RUNTIME"
	END
	export CONTAINERD_ADDRESS=/run/c/sock
	containerd --config "$T/etc/config.toml" >"$T/containerd.log" 2>&1 &
	soon ctr version
}

# import_image NAMESPACE NAME TAR [COMMAND AS JSON]: an archive that `ctr images import` takes: the docker form is one layer and two small files.
import_image() {
	local dir diff

	dir=$(mktemp -d "$T/archive.XXXX")
	diff=sha256:$(sha256sum "$3" | cut -d ' ' -f 1)
	cp "$3" "$dir/layer.tar"
	jq -n --arg diff "$diff" --argjson command "${4:-[\"/bin/sh\"]}" '{architecture: "amd64", os: "linux", rootfs: {type: "layers", diff_ids: [$diff]},
		config: {Env: ["PATH=/bin"], Cmd: $command}}' >"$dir/config.json"
	jq -n --arg image "$2" '[{Config: "config.json", RepoTags: [$image], Layers: ["layer.tar"]}]' >"$dir/manifest.json"
	tar -C "$dir" -cf "$dir/archive.tar" manifest.json config.json layer.tar
	ctr --namespace "$1" images import "$dir/archive.tar"
}

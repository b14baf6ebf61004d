#!/usr/bin/env bash
# Packs what a bare x86-64 Linux machine with a GPU driver and no network needs to run the GPU benchmarks: Node, Dawn and the
# Vulkan loader, into .gpu/ (about 50 MB, ignored by git). Needs `npm ci` and Debian's apt-get; see CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")/.."
modules=(webgpu debug ms tinybench)
rm -rf .gpu && mkdir -p .gpu/lists/partial
tar --create --dereference --exclude='dist/darwin*' --exclude='dist/win32*' --exclude='dist/linux-arm64' \
  "${modules[@]/#/node_modules/}" node_modules/node/bin/node | xz -T0 -3 >.gpu/packed.tar.xz
apt=(apt-get -oAPT::Architecture=amd64 -oAPT::Architectures=amd64 "-oDir::State::Lists=$PWD/.gpu/lists")
"${apt[@]}" -qq update
(cd .gpu && "${apt[@]}" -qq download libvulkan1)
rm -r .gpu/lists
cat >.gpu/run.sh <<'RUN'
#!/usr/bin/env bash
# In the project's root on the GPU machine: unpacks once, links the packages, runs its arguments with Node on the path.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
if [ ! -e node_modules/.gpu ]; then
  tar xJf .gpu/packed.tar.xz
  ldconfig -p | grep -q libvulkan.so.1 || { dpkg -x .gpu/libvulkan1_*.deb / && ldconfig; }
  mkdir -p node_modules/@burgeon
  for package in tensor autograd gpt continual; do ln -sfn "$PWD/packages/$package" "node_modules/@burgeon/$package"; done
  ln -sfn "$PWD/packages/burgeon" node_modules/burgeon
  touch node_modules/.gpu
fi
export PATH=$PWD/node_modules/node/bin:$PATH XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
exec "$@"
RUN
chmod +x .gpu/run.sh
du -sh .gpu

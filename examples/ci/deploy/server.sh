# Runs in the server, as root: what your tests need is installed and set up here.
set -e
mkdir -p /var/log
echo "deployed on $(hostname)" | tee /var/log/deploy.log

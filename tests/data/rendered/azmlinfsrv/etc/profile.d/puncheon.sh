mode 644
. /opt/miniconda/etc/profile.d/profile.sh
